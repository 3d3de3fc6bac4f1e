"""The report of one execution's dataset."""

from __future__ import annotations

import json
from argparse import Namespace

from rich.console import Console
from rich.table import Table

from scripts.console import CommandError, shown
from scripts.lineages.answer import Sources, counts_table, started_by
from scripts.lineages.store import Lineage


def tell_dataset(sources: Sources, arguments: Namespace, console: Console) -> int:
    """Prints it; gives the exit status."""
    lineage = _find(sources, arguments.execution)
    if arguments.json:
        console.print(json.dumps(lineage.dataset, ensure_ascii=False))
        return 0
    dataset = lineage.dataset
    console.print(f"Execution {lineage.execution_id}, started by {started_by(dataset)}")
    console.print(
        f"{dataset['objects']} objects, {dataset['bytes']} bytes, {dataset['contents']} contents"
    )
    console.print(counts_table(lineage))
    console.print(_sizes(lineage))
    console.print(_drops(lineage))
    _tell_copies_and_changes(lineage, console)
    for warning in dataset["warnings"]:
        console.print(f"Warning: {shown(warning)}")
    return 0


def _find(sources: Sources, execution: str | None) -> Lineage:
    if execution is not None:
        return sources.store.lineage(execution.rsplit("/", 1)[-1])
    lineages = sources.store.lineages()
    if not lineages:
        raise CommandError("No execution has a lineage yet: ./scripts/drop DIR starts one.")
    return lineages[-1]


def _sizes(lineage: Lineage) -> Table:
    made = Table("class", "bytes an object: least", "mean", "most")
    for label, size in lineage.dataset["sizes"].items():
        made.add_row(shown(label), *(str(size[name]) for name in ("minimum", "mean", "maximum")))
    return made


def _drops(lineage: Lineage) -> Table:
    made = Table("drop", "objects", "bytes")
    for drop in lineage.dataset["included_drops"]:
        made.add_row(shown(drop["id"]), str(drop["objects"]), str(drop["bytes"]))
    for drop_id in lineage.dataset["incomplete_drops"]:
        made.add_row(shown(drop_id), "no marker yet", "")
    return made


def _tell_copies_and_changes(lineage: Lineage, console: Console) -> None:
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
