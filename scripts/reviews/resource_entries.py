"""Changes of resources in words, and what a policy may block of them."""

from collections.abc import Iterator
from difflib import get_close_matches

from scripts.reviews.comparison import Comparison
from scripts.reviews.document import Entry, Finding, Mark
from scripts.reviews.names import listed
from scripts.reviews.resources import ResourceChange

_ORDER = ("destroyed", "replaced", "perhaps replaced", "released", "changed", "added", "not there")
_SHOWN = {
    "added": (Mark.ADDED, "added: "),
    "changed": (Mark.CHANGED, "changed: "),
    "replaced": (Mark.DANGER, "REPLACED: "),
    "perhaps replaced": (Mark.DANGER, "PERHAPS REPLACED: "),
    "destroyed": (Mark.REMOVED, "DESTROYED: "),
    "released": (Mark.REMOVED, "released, and kept in the account: "),
    "not there": (Mark.NOTE, "changed: "),
}


def entries(comparison: Comparison, changes: list[ResourceChange]) -> Iterator[Entry]:
    """One a resource: what is lost first, then replaced, destroyed, changed and added."""
    order = list(_ORDER)
    for change in sorted(changes, key=lambda c: (not c.losses, order.index(c.kind))):
        mark, word = _SHOWN[change.kind]
        see = f": see {listed(change.elsewhere)}" if change.elsewhere else ""
        yield Entry(
            Mark.DANGER if change.losses else mark,
            f"{word}{comparison.names.full(change.resource)}{see}",
            change.rows,
            tuple(_notes(comparison, change, changes)),
        )


def _notes(
    comparison: Comparison, change: ResourceChange, changes: list[ResourceChange]
) -> Iterator[str]:
    yield from (f"DATA LOSS: {loss}" for loss in change.losses)
    yield from (f"PROTECTION LOST: {what}" for what in change.weakened)
    if change.replacing and change.kind in ("replaced", "perhaps replaced"):
        yield f"replaced because of {', '.join(change.replacing)}"
        if change.resource.type == "AWS::SageMaker::Endpoint":
            yield "whoever calls it by its old name is refused once the new one is there"
    if change.kind == "not there":
        yield f"not deployed now: its condition {change.resource.declared['Condition']} is false"
    if twin := _twin(comparison, change, changes):
        yield twin


def _twin(
    comparison: Comparison, change: ResourceChange, changes: list[ResourceChange]
) -> str | None:
    """The other half of a rename, which CloudFormation does not know."""
    if change.kind not in ("destroyed", "released") or change.before is None:
        return None
    old, full = change.before, comparison.names.full
    alike = [
        full(new)
        for other in changes
        if other.kind == "added"
        and (new := other.after) is not None
        and (new.unit, new.type, new.properties) == (old.unit, old.type, old.properties)
    ]
    nearest = get_close_matches(full(old), alike, n=1, cutoff=0.0)
    return f"the new {nearest[0]} has the same properties: a rename?" if nearest else None


def findings(comparison: Comparison, changes: list[ResourceChange]) -> Iterator[Finding]:
    """What a policy may block of it."""
    for change in changes:
        name = comparison.names.full(change.resource)
        for loss in change.losses:
            yield Finding("data-loss", f"{name}: {loss}")
        for what in change.weakened:
            yield Finding("protection-loss", f"{name}: {what}")
        if change.kind in ("replaced", "perhaps replaced"):
            yield Finding("replacement", f"{name} is {change.kind}")
        if change.kind == "destroyed":
            yield Finding("removal", f"{name} is destroyed")
