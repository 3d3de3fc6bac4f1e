"""`dataset.json`: what a run's dataset is, for people and for the report."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from processing.channels import CHANNELS
from processing.manifests.drops import Drop, Drops
from processing.manifests.lineage import Earlier, ObjectRow
from processing.manifests.settings import Settings

# Enough to look into; the tables in Parquet hold all.
EXAMPLES = 20


def describe_dataset(
    settings: Settings, drops: Drops, earlier: Earlier, rows: Sequence[ObjectRow], labels: list[str]
) -> dict[str, Any]:
    """The content of `dataset.json`."""
    keys = _keys_by_content(rows)
    copies = [group for group in keys.values() if len(group) > 1]
    return {
        "schema": 1,
        "execution_id": settings.execution_id,
        "earlier_execution_id": earlier.execution_id,
        "drop_id": settings.drop_id,
        "seed": settings.seed,
        "validation_fraction": settings.validation_fraction,
        "test_fraction": settings.test_fraction,
        "minimum_per_class_and_channel": settings.minimum_per_class_and_channel,
        "objects": len(rows),
        "bytes": sum(row.size for row in rows),
        "contents": len(keys),
        "counts": _counts(rows, labels),
        "drops": [_describe(drop, settings.drop_id) for drop in drops.complete],
        "incomplete_drops": drops.incomplete,
        "duplicates": {
            "contents": len(copies),
            "objects": sum(len(group) for group in copies),
            "examples": copies[:EXAMPLES],
        },
        "warnings": [*drops.warnings, *_conflicts(rows), *_empty_classes(rows, labels)],
    }


def _keys_by_content(rows: Sequence[ObjectRow]) -> dict[str, list[str]]:
    keys: defaultdict[str, list[str]] = defaultdict(list)
    for row in rows:
        keys[row.sha256].append(row.key)
    return keys


def _counts(rows: Sequence[ObjectRow], labels: list[str]) -> dict[str, dict[str, int]]:
    counts = {label: dict.fromkeys(CHANNELS, 0) for label in labels}
    for row in rows:
        counts[row.class_label][row.channel] += 1
    return {label: {str(channel): n for channel, n in row.items()} for label, row in counts.items()}


def _describe(drop: Drop, started_by: str) -> dict[str, Any]:
    return {
        "id": drop.id,
        "objects": len(drop.files),
        "bytes": sum(file.stored.size for file in drop.files),
        "started_this_run": drop.id == started_by,
    }


def _conflicts(rows: Sequence[ObjectRow]) -> list[str]:
    by_content: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for row in rows:
        by_content[row.sha256].setdefault(row.class_label, row.key)
    conflicts = [
        f"The same image is filed under {len(keys)} classes: {', '.join(keys.values())}; "
        "keep it in the right one."
        for keys in by_content.values()
        if len(keys) > 1
    ]
    more = len(conflicts) - EXAMPLES
    return conflicts[:EXAMPLES] + (
        [f"{more} more images are filed under several classes."] if more > 0 else []
    )


def _empty_classes(rows: Sequence[ObjectRow], labels: list[str]) -> list[str]:
    found = {row.class_label for row in rows}
    return [
        f'Class "{label}" has no images any more; it keeps its encoded label {index}.'
        for index, label in enumerate(labels)
        if label not in found
    ]
