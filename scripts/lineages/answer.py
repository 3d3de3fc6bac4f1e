"""What the questions have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from rich.table import Table

from scripts.channels import CHANNELS
from scripts.console import shown
from scripts.lineages.models import Models
from scripts.lineages.store import Lineage, LineageStore


@dataclass(frozen=True)
class Sources:
    """Where the answers come from."""

    environment: str
    drops_bucket: str
    working_bucket: str
    store: LineageStore
    models: Models


def uri_of(bucket: str, key: str, version_id: str) -> str:
    """An object's address with its version."""
    return f"s3://{bucket}/{key}?versionId={quote(version_id)}"


def started_by(dataset: Mapping[str, Any]) -> str:
    """What started the run of a dataset: a drop, or drift of the answers of a model package."""
    name: str = dataset["drop_id"]
    package = name.removeprefix("drift/")
    name, package = shown(name), shown(package)
    return f"the drop {name}" if package == name else f"drift of the answers of {package}"


def counts_table(lineage: Lineage) -> Table:
    """Objects by class and channel."""
    made = Table("class", *CHANNELS, "all", "share", "share before")
    for label, counts in lineage.dataset["counts"].items():
        share = lineage.dataset["class_shares"][label]
        before = share["earlier"]
        made.add_row(
            shown(label),
            *(str(counts[channel]) for channel in CHANNELS),
            str(sum(counts.values())),
            f"{share['now']:.1%}",
            "" if before is None else f"{before:.1%}",
        )
    return made
