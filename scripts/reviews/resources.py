"""Resources that are added, changed, replaced, destroyed; images and functions by their files."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches

from infra.names import EMPTIED_TAG
from infra.sources import METADATA
from scripts.console import counted
from scripts.document import Entry, Mark, Row
from scripts.reviews.comparison import Comparison
from scripts.reviews.differences import dashboard_by_title, rows
from scripts.reviews.intrinsics import is_absent
from scripts.reviews.losses import EMPTIER, lost_sooner, lost_with, protection_lost
from scripts.reviews.policy import Finding
from scripts.reviews.stacks import Resource, enumerated, spaced

# Said elsewhere, and better: property -> section.
_ELSEWHERE = {
    "PolicyDocument": "Permissions",
    "AssumeRolePolicyDocument": "Permissions",
    "KeyPolicy": "Permissions",
    "PipelineDefinition": "Pipeline",
    "Code": "Images and functions",
}
# DependsOn is left out: it only orders what a deployment does.
_ATTRIBUTES = ("Condition", "DeletionPolicy", "UpdateReplacePolicy")
_FILES_SHOWN = 40
_COMMENTS = " (comments only)"
# In the order in which they are shown.
_WORDS = {
    "destroyed": (Mark.REMOVED, "DESTROYED: "),
    "replaced": (Mark.DANGER, "REPLACED: "),
    "perhaps replaced": (Mark.DANGER, "PERHAPS REPLACED: "),
    "released": (Mark.REMOVED, "released, and kept in the account: "),
    "changed": (Mark.CHANGED, "changed: "),
    "added": (Mark.ADDED, "added: "),
    "not there": (Mark.NOTE, "changed: "),
}


@dataclass(frozen=True)
class ResourceChange:
    """What happens to one resource.

    Attributes:
        kind: `added`, `changed`, `replaced`, `perhaps replaced`, `destroyed`, `released` (gone from
            the stack, kept in the account) or `not there` (its condition is false).
        elsewhere: titles of the sections that say what else differs.
        losses: what is lost for good, a sentence each.
        weakened: what protected its data and does so no longer.
    """

    kind: str
    before: Resource | None
    after: Resource | None
    rows: tuple[Row, ...] = ()
    elsewhere: tuple[str, ...] = ()
    replacing: tuple[str, ...] = ()
    losses: tuple[str, ...] = ()
    weakened: tuple[str, ...] = ()

    @property
    def resource(self) -> Resource:
        """As it will be, or as it was where it goes."""
        resource = self.after or self.before
        assert resource is not None  # noqa: S101 - a change is of something
        return resource


_REPLACED = {"WILL_REPLACE": "replaced", "MAY_REPLACE": "perhaps replaced"}


def resource_changes(comparison: Comparison) -> list[ResourceChange]:
    """Everything that differs, in the order of units and logical ids."""
    return [c for pair in comparison.pairs if (c := _change(comparison, *pair)) is not None]


def _change(
    comparison: Comparison, before: Resource | None, after: Resource | None
) -> ResourceChange | None:
    if before is None or after is None:
        return _removed(comparison, before) if before else ResourceChange("added", None, after)
    impact = comparison.impacts.get(after.key)
    changed, elsewhere = _differences(comparison, before, after)
    if before.type != after.type:
        changed = (Row("Type", before.type, after.type),)
    kind = _REPLACED.get(impact.kind if impact else "", "changed")
    if kind == "changed" and not changed and not elsewhere:
        return None
    if is_absent(comparison.before.stacks, before):
        return ResourceChange("not there", before, after, changed, elsewhere)
    losses = lost_sooner(before, after)
    # The type that is replaced with the policy that will be in force.
    judged = replace(before, declared={**after.declared, "Type": before.type})
    if kind != "changed" and (lost := lost_with(judged, "UpdateReplacePolicy")):
        losses.append(lost)
    return ResourceChange(
        kind,
        before,
        after,
        changed,
        elsewhere,
        impact.replacing if impact else (),
        tuple(losses),
        tuple(protection_lost(before, after)),
    )


def _removed(comparison: Comparison, before: Resource) -> ResourceChange:
    if is_absent(comparison.before.stacks, before):
        return ResourceChange("not there", before, None)
    # Of what the new template no longer names, the deployed one's policy decides.
    is_kept = before.declared.get("DeletionPolicy") in ("Retain", "RetainExceptOnCreate")
    lost = lost_with(before, "DeletionPolicy")
    if before.type == EMPTIER and not _is_emptied(comparison, before):
        lost = None
    return ResourceChange(
        "released" if is_kept else "destroyed", before, None, losses=(lost,) if lost else ()
    )


def _is_emptied(comparison: Comparison, emptier: Resource) -> bool:
    """Whether its bucket stays, in its stack or outside, with the tag without which it idles."""
    key = (emptier.unit, emptier.properties.get("BucketName", {}).get("Ref", ""))
    left = comparison.after.resources.get(key)
    if left is None:
        old = comparison.before.resources.get(key)
        left = old if old is not None and lost_with(old, "DeletionPolicy") is None else None
    tags = left.properties.get("Tags", []) if left else []
    return {"Key": EMPTIED_TAG, "Value": "true"} in tags


def _differences(
    comparison: Comparison, before: Resource, after: Resource
) -> tuple[tuple[Row, ...], tuple[str, ...]]:
    """Rows, and titles of the sections that tell the rest."""
    old, new = (
        {
            **dashboard_by_title(side.properties(resource)),
            **{f"({key})": resource.declared.get(key) for key in _ATTRIBUTES},
        }
        for side, resource in ((comparison.before, before), (comparison.after, after))
    )
    changed: list[Row] = []
    titles: dict[str, None] = {}
    for key in sorted({**old, **new}):
        if old.get(key) == new.get(key):
            continue
        elsewhere = _ELSEWHERE.get(key)
        if elsewhere and key in old and key in new:
            titles[elsewhere] = None
        else:
            changed.extend(rows({key: old.get(key)}, {key: new.get(key)}))
    return tuple(changed), tuple(titles)


def resource_entries(comparison: Comparison, changes: list[ResourceChange]) -> Iterator[Entry]:
    """One a resource: what is lost first, then replaced, destroyed, changed and added."""
    order = list(_WORDS)
    for change in sorted(changes, key=lambda c: (not c.losses, order.index(c.kind))):
        mark, word = _WORDS[change.kind]
        see = f": see {enumerated(change.elsewhere)}" if change.elsewhere else ""
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
    if change.kind in ("destroyed", "released"):
        for twin in _twin(comparison, change.resource, changes):
            yield f"the new {twin} has the same properties: a rename?"


def _twin(comparison: Comparison, old: Resource, changes: list[ResourceChange]) -> list[str]:
    """The other half of a rename, which CloudFormation does not know; at most one."""
    added = (change.resource for change in changes if change.kind == "added")
    alike = [
        comparison.names.full(new)
        for new in added
        if (new.unit, new.type, new.properties) == (old.unit, old.type, old.properties)
    ]
    return get_close_matches(comparison.names.full(old), alike, n=1, cutoff=0.0)


def resource_findings(comparison: Comparison, changes: list[ResourceChange]) -> Iterator[Finding]:
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


def file_entries(comparison: Comparison) -> Iterator[Entry]:
    """An entry for each image and function whose content differs."""
    for before, after in comparison.both:
        if METADATA not in before.metadata and METADATA not in after.metadata:
            continue
        name, content = comparison.names.path(*after.key), "Value"
        holder = f"image {spaced(name.removesuffix('ImageParameter'))}"
        if after.type == "AWS::Lambda::Function":
            holder, content = f"function {after.unit}/{name}", "Code"
        old = comparison.before.properties(before).get(content)
        if old != comparison.after.properties(after).get(content):
            yield _file_entry(holder, before.metadata, after.metadata)


def _file_entry(name: str, before: Mapping[str, object], after: Mapping[str, object]) -> Entry:
    old, new = before.get(METADATA), after.get(METADATA)
    if not isinstance(old, Mapping) or not isinstance(new, Mapping):
        return Entry(Mark.CHANGED, f"{name}: changed; the other template does not name its files")
    lines = list(_changed_files(old, new))
    if not lines:
        return Entry(Mark.CHANGED, f"{name}: no file changed, but what it is built with")
    is_code = not all(line.endswith(_COMMENTS) for line in lines)
    changed = f"{counted(len(lines), 'file')} changed"
    left_out = [f"and {len(lines) - _FILES_SHOWN} more"] if len(lines) > _FILES_SHOWN else []
    return Entry(
        Mark.CHANGED if is_code else Mark.NOTE,
        f"{name}: {changed}{'' if is_code else ', comments only: its code is the same'}",
        (),
        (*lines[:_FILES_SHOWN], *left_out),
    )


def _changed_files(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[str]:
    for file in sorted({**old, **new}):
        if file not in old:
            yield f"added: {file}"
        elif file not in new:
            yield f"removed: {file}"
        elif old[file] != new[file]:
            codes = [side[file].partition(" ")[2] for side in (old, new)]
            yield f"changed: {file}{_COMMENTS if codes[0] and codes[0] == codes[1] else ''}"
