"""Images and functions by the files that changed in them."""

from collections.abc import Iterator, Mapping

from infra.sources import METADATA
from scripts.reviews.comparison import Comparison
from scripts.reviews.document import Entry, Mark
from scripts.reviews.names import spaced
from scripts.reviews.stacks import Resource

_SHOWN = 40


def file_entries(comparison: Comparison) -> Iterator[Entry]:
    """An entry for each image and function whose content differs."""
    for before, after in comparison.pairs:
        if before is None or after is None or not _has_files(before, after):
            continue
        values = [
            comparison.properties(side, is_before=side is before).get(_content(side))
            for side in (before, after)
        ]
        entry = _entry(_name(comparison, after), before.metadata, after.metadata)
        if entry is not None and values[0] != values[1]:
            yield entry


def _has_files(before: Resource, after: Resource) -> bool:
    return METADATA in before.metadata or METADATA in after.metadata


def _content(resource: Resource) -> str:
    return "Code" if resource.type == "AWS::Lambda::Function" else "Value"


def _name(comparison: Comparison, resource: Resource) -> str:
    name = comparison.names.of(resource.unit, resource.logical_id)
    if resource.type == "AWS::Lambda::Function":
        return f"function {resource.unit}/{name}"
    return f"image {spaced(name.removesuffix('ImageParameter'))}"


def _entry(name: str, before: Mapping[str, object], after: Mapping[str, object]) -> Entry | None:
    old, new = before.get(METADATA), after.get(METADATA)
    if not isinstance(old, Mapping) or not isinstance(new, Mapping):
        return Entry(Mark.CHANGED, f"{name}: changed; the other template does not name its files")
    lines = list(_lines(old, new))
    if not lines:
        return Entry(Mark.CHANGED, f"{name}: no file changed, but what it is built with")
    is_code = not all(line.endswith(_COMMENTS) for line in lines)
    counted = f"{len(lines)} file{'s' if len(lines) > 1 else ''} changed"
    left_out = [f"and {len(lines) - _SHOWN} more"] if len(lines) > _SHOWN else []
    return Entry(
        Mark.CHANGED if is_code else Mark.NOTE,
        f"{name}: {counted}{'' if is_code else ', comments only: its code is the same'}",
        (),
        (*lines[:_SHOWN], *left_out),
    )


_COMMENTS = " (comments only)"


def _lines(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[str]:
    for file in sorted({**old, **new}):
        if file not in old:
            yield f"added: {file}"
        elif file not in new:
            yield f"removed: {file}"
        elif old[file] != new[file]:
            codes = [side[file].partition(" ")[2] for side in (old, new)]
            yield f"changed: {file}{_COMMENTS if codes[0] and codes[0] == codes[1] else ''}"
