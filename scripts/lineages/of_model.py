"""From a model package to all that it was made from."""

from __future__ import annotations

import csv
import json
import sys
from argparse import Namespace
from collections.abc import Iterator
from typing import Any

from rich.console import Console

from scripts.channels import CHANNELS
from scripts.console import shown
from scripts.lineages.answer import Sources, counts_table, started_by, uri_of
from scripts.lineages.models import Model
from scripts.lineages.store import Lineage

FORMATS = ("text", "json", "csv")
SHOWN_IN_A_TERMINAL = 20
COLUMNS = ("channel", "class_label", "uri", "sha256", "size", "drop_id", "quarantined")


def tell_model(sources: Sources, arguments: Namespace, console: Console) -> int:
    """Prints it; gives the exit status."""
    model = sources.models.package(arguments.package)
    lineage = sources.store.lineage(model.execution_id)
    quarantined = sources.store.quarantined(lineage)
    if arguments.format == "text":
        _tell_summary(sources, model, lineage, quarantined, console)
    elif arguments.format == "json":
        _print(json.dumps(_summary(sources, model, lineage, quarantined), ensure_ascii=False))
    if arguments.summary:
        return 0
    objects = _objects(sources, lineage, quarantined)
    if arguments.format == "json":
        for row in objects:
            _print(json.dumps(row, ensure_ascii=False))
    elif arguments.format == "csv":
        writer = csv.DictWriter(sys.stdout, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(objects)
    else:
        _tell_objects(objects, lineage, console)
    return 0


def _summary(
    sources: Sources, model: Model, lineage: Lineage, quarantined: dict[str, str]
) -> dict[str, Any]:
    return {
        "model_package_arn": model.name,
        "status": model.status,
        "served": model.served,
        "execution_arn": model.execution_arn,
        "drop_id": lineage.dataset["drop_id"],
        "drops": lineage.dataset["included_drops"],
        "manifests": _manifests(sources, model),
        "counts": lineage.dataset["counts"],
        "objects": lineage.dataset["objects"],
        "quarantined": len(quarantined),
    }


def _manifests(sources: Sources, model: Model) -> dict[str, str]:
    folder = f"s3://{sources.working_bucket}/executions/{model.execution_id}/manifests"
    return {channel: f"{folder}/{channel}.manifest" for channel in CHANNELS}


def _tell_summary(
    sources: Sources,
    model: Model,
    lineage: Lineage,
    quarantined: dict[str, str],
    console: Console,
) -> None:
    served = ", served by the endpoint" if model.served else ""
    console.print(f"Model package {model.name} ({model.status}{served})")
    console.print(f"Execution {model.execution_arn}")
    console.print(f"Started by {started_by(lineage.dataset)}")
    for drop in lineage.dataset["included_drops"]:
        console.print(f"Drop {shown(drop['id'])}: {drop['objects']} objects")
    for uri in _manifests(sources, model).values():
        console.print(f"Manifest {uri}")
    console.print(counts_table(lineage))
    if quarantined:
        console.print(f"{len(quarantined)} of the objects could not be used and made no record:")
        for entry, reason in quarantined.items():
            console.print(f"  {shown(entry)} {shown(reason)}")


def _objects(
    sources: Sources, lineage: Lineage, quarantined: dict[str, str]
) -> Iterator[dict[str, Any]]:
    """Every object of the manifests, by key."""
    for batch in sources.store.batches(lineage):
        for row in batch.to_pylist():
            yield {
                "channel": row["channel"],
                "class_label": row["class_label"],
                "uri": uri_of(lineage.drops_bucket, row["key"], row["version_id"]),
                "sha256": row["sha256"].hex(),
                "size": row["size"],
                "drop_id": row["drop_id"],
                "quarantined": lineage.entry(row["key"]) in quarantined,
            }


def _tell_objects(objects: Iterator[dict[str, Any]], lineage: Lineage, console: Console) -> None:
    for number, row in enumerate(objects):
        if console.is_terminal and number == SHOWN_IN_A_TERMINAL:
            more = lineage.dataset["objects"] - SHOWN_IN_A_TERMINAL
            console.print(f"and {more} more: pipe this command into a file to have them all.")
            return
        aside = " (not used)" if row["quarantined"] else ""
        _print(f"{row['channel']}\t{shown(row['class_label'])}\t{shown(row['uri'])}{aside}")


def _print(line: str) -> None:
    # Not by Rich, which takes longer for a million lines than their query.
    sys.stdout.write(f"{line}\n")
