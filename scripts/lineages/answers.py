"""What is printed of a model and of a dataset: all that they were made from."""

import csv
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from rich.console import Console
from rich.table import Table

from scripts import CHANNELS
from scripts.console import CommandError, shown
from scripts.lineages.models import Model, Models
from scripts.lineages.store import Lineage, LineageStore

FORMATS = ("text", "json", "csv")
SHOWN_IN_A_TERMINAL = 20
COLUMNS = ("channel", "class_label", "uri", "sha256", "size", "drop_id", "quarantined")


@dataclass(frozen=True)
class Sources:
    """Where the answers come from."""

    environment: str
    drops_bucket: str
    working_bucket: str
    store: LineageStore
    models: Models


def object_uri(bucket: str, key: str, version_id: str) -> str:
    """An object's address with its version."""
    return f"s3://{bucket}/{key}?versionId={quote(version_id)}"


def started_by(dataset: Mapping[str, Any]) -> str:
    """What started the run of a dataset: a drop, or drift of the answers of a model package."""
    name: str = dataset["drop_id"]
    package = name.removeprefix("drift/")
    name, package = shown(name), shown(package)
    return f"the drop {name}" if package == name else f"drift of the answers of {package}"


def print_model(
    sources: Sources, package: str, output_format: str, console: Console, *, is_summary: bool
) -> None:
    """Prints the execution, drops, manifests and objects that made a model package.

    Args:
        package: its ARN, its version number, or "latest".
        output_format: one of FORMATS.
        is_summary: without the objects.

    Raises:
        CommandError: there is no such package, or it has no lineage.
    """
    model = sources.models.package(package)
    lineage = sources.store.lineage(model.execution_id)
    quarantined = sources.store.quarantined(lineage)
    if output_format == "text":
        _print_summary(sources, model, lineage, quarantined, console)
    elif output_format == "json":
        _write(json.dumps(_summary(sources, model, lineage, quarantined), ensure_ascii=False))
    if is_summary:
        return
    objects = _objects(sources, lineage, quarantined)
    if output_format == "json":
        for row in objects:
            _write(json.dumps(row, ensure_ascii=False))
    elif output_format == "csv":
        writer = csv.DictWriter(sys.stdout, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(objects)
    else:
        _print_objects(objects, lineage, console)


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


def _print_summary(
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
    console.print(_counts(lineage))
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
                "uri": object_uri(lineage.drops_bucket, row["key"], row["version_id"]),
                "sha256": row["sha256"].hex(),
                "size": row["size"],
                "drop_id": row["drop_id"],
                "quarantined": lineage.entry(row["key"]) in quarantined,
            }


def _print_objects(objects: Iterator[dict[str, Any]], lineage: Lineage, console: Console) -> None:
    for number, row in enumerate(objects):
        if console.is_terminal and number == SHOWN_IN_A_TERMINAL:
            more = lineage.dataset["objects"] - SHOWN_IN_A_TERMINAL
            console.print(f"and {more} more: pipe this command into a file to have them all.")
            return
        aside = " (not used)" if row["quarantined"] else ""
        _write(f"{row['channel']}\t{shown(row['class_label'])}\t{shown(row['uri'])}{aside}")


def _write(line: str) -> None:
    # Not by Rich, which takes longer for a million lines than their query.
    sys.stdout.write(f"{line}\n")


def print_dataset(
    sources: Sources, execution: str | None, console: Console, *, as_json: bool
) -> None:
    """Prints the report of an execution's dataset.

    Args:
        execution: its id or ARN; None for the newest that has a lineage.
        as_json: `dataset.json` as it is.

    Raises:
        CommandError: there is no such lineage.
    """
    lineage = _find(sources, execution)
    dataset = lineage.dataset
    if as_json:
        console.print(json.dumps(dataset, ensure_ascii=False))
        return
    console.print(f"Execution {lineage.execution_id}, started by {started_by(dataset)}")
    console.print(
        f"{dataset['objects']} objects, {dataset['bytes']} bytes, {dataset['contents']} contents"
    )
    console.print(_counts(lineage))
    console.print(_sizes(lineage))
    console.print(_drops(lineage))
    _print_copies_and_changes(lineage, console)
    for warning in dataset["warnings"]:
        console.print(f"Warning: {shown(warning)}")


def _find(sources: Sources, execution: str | None) -> Lineage:
    if execution is not None:
        return sources.store.lineage(execution.rsplit("/", 1)[-1])
    lineages = sources.store.lineages()
    if not lineages:
        raise CommandError("No execution has a lineage yet: ./scripts/drop DIR starts one.")
    return lineages[-1]


def _sizes(lineage: Lineage) -> Table:
    table = Table("class", "bytes an object: least", "mean", "most")
    for label, size in lineage.dataset["sizes"].items():
        table.add_row(shown(label), *(str(size[name]) for name in ("minimum", "mean", "maximum")))
    return table


def _drops(lineage: Lineage) -> Table:
    table = Table("drop", "objects", "bytes")
    for drop in lineage.dataset["included_drops"]:
        table.add_row(shown(drop["id"]), str(drop["objects"]), str(drop["bytes"]))
    for drop_id in lineage.dataset["incomplete_drops"]:
        table.add_row(shown(drop_id), "no marker yet", "")
    return table


def _print_copies_and_changes(lineage: Lineage, console: Console) -> None:
    copies, changes = lineage.dataset["duplicates"], lineage.dataset["changes"]
    console.print(f"{copies['contents']} contents lie under {copies['objects']} names")
    for keys in copies["examples"]:
        console.print(f"  {', '.join(map(shown, keys))}")
    earlier = lineage.dataset["earlier_execution_ids"]
    if not earlier:
        console.print("No earlier execution to compare with")
        return
    console.print(f"Since the execution {earlier[-1]}:")
    for kind, keys in changes["examples"].items():
        console.print(f"  {changes[f'objects_{kind}']} objects {kind}")
        for key in keys:
            console.print(f"    {shown(key)}")
    console.print(
        f"  {changes['contents_added']} contents added, {changes['contents_removed']} removed"
    )


def _counts(lineage: Lineage) -> Table:
    """Objects by class and channel."""
    table = Table("class", *CHANNELS, "all", "share", "share before")
    for label, counts in lineage.dataset["counts"].items():
        share = lineage.dataset["class_shares"][label]
        before = share["earlier"]
        table.add_row(
            shown(label),
            *(str(counts[channel]) for channel in CHANNELS),
            str(sum(counts.values())),
            f"{share['now']:.1%}",
            "" if before is None else f"{before:.1%}",
        )
    return table
