"""Images and functions by the files that changed in them."""

from collections.abc import Iterator, Mapping

from infra.sources import METADATA
from scripts.document import Entry, Mark
from scripts.reviews.comparison import Comparison
from scripts.reviews.stacks import Resource, spaced

_SHOWN = 40


def file_entries(comparison: Comparison) -> Iterator[Entry]:
    """An entry for each image and function whose content differs."""
    for before, after in comparison.both:
        if METADATA not in before.metadata and METADATA not in after.metadata:
            continue
        old = comparison.before.properties(before).get(_content(before))
        new = comparison.after.properties(after).get(_content(after))
        if old != new:
            yield _entry(_name(comparison, after), before.metadata, after.metadata)


def _content(resource: Resource) -> str:
    return "Code" if resource.type == "AWS::Lambda::Function" else "Value"


def _name(comparison: Comparison, resource: Resource) -> str:
    name = comparison.names.path(*resource.key)
    if resource.type == "AWS::Lambda::Function":
        return f"function {resource.unit}/{name}"
    return f"image {spaced(name.removesuffix('ImageParameter'))}"


def _entry(name: str, before: Mapping[str, object], after: Mapping[str, object]) -> Entry:
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
