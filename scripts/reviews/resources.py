"""Resources that are added, changed, replaced and destroyed."""

from dataclasses import dataclass

from infra.tags import EMPTIED
from scripts.reviews.comparison import Comparison
from scripts.reviews.conditions import is_absent
from scripts.reviews.dashboards import by_title
from scripts.reviews.differences import Row, rows
from scripts.reviews.losses import EMPTIER, lost_sooner, lost_with, protection_lost
from scripts.reviews.stacks import Resource

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


@dataclass(frozen=True)
class ResourceChange:
    """What happens to one resource.

    Attributes:
        kind: `added`, `changed`, `replaced`, `perhaps replaced`, `destroyed`, `released` (gone from
            the stack, kept in the account) or `not there` (its condition is false).
        elsewhere: what differs and is told in sections of their own, by their titles.
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
        found = self.after or self.before
        assert found is not None  # noqa: S101 - a change is of something
        return found


_REPLACED = {"WILL_REPLACE": "replaced", "MAY_REPLACE": "perhaps replaced"}


def resource_changes(comparison: Comparison) -> list[ResourceChange]:
    """Everything that differs, in the order of units and logical ids."""
    return [c for pair in comparison.pairs if (c := _change(comparison, *pair)) is not None]


def _change(
    comparison: Comparison, before: Resource | None, after: Resource | None
) -> ResourceChange | None:
    if before is None or after is None:
        return _removed(comparison, before) if before else ResourceChange("added", None, after)
    impact = comparison.impacts.get((after.unit, after.logical_id))
    found, elsewhere = _differences(comparison, before, after)
    if before.type != after.type:
        found = (Row("Type", before.type, after.type),)
    kind = _REPLACED.get(impact.kind if impact else "", "changed")
    if kind == "changed" and not found and not elsewhere:
        return None
    if is_absent(comparison.before, before):
        return ResourceChange("not there", before, after, found, elsewhere)
    losses = lost_sooner(before, after)
    if kind != "changed" and (lost := lost_with(_judged(before, after), "UpdateReplacePolicy")):
        losses.append(lost)
    return ResourceChange(
        kind,
        before,
        after,
        found,
        elsewhere,
        impact.replacing if impact else (),
        tuple(losses),
        tuple(protection_lost(before, after)),
    )


def _judged(before: Resource, after: Resource) -> Resource:
    """The type that is replaced with the policy that will be in force."""
    return Resource(before.unit, before.logical_id, {**after.declared, "Type": before.type})


def _removed(comparison: Comparison, before: Resource) -> ResourceChange:
    if is_absent(comparison.before, before):
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
    """Whether its bucket stays, in its stack or outside, and has the tag without which it does
    nothing.
    """
    key = (emptier.unit, emptier.properties.get("BucketName", {}).get("Ref", ""))
    left = comparison.after.by_id().get(key)
    if left is None:
        old = comparison.before.by_id().get(key)
        left = old if old is not None and lost_with(old, "DeletionPolicy") is None else None
    tags = left.properties.get("Tags", []) if left else []
    return {"Key": EMPTIED, "Value": "true"} in tags


def _differences(
    comparison: Comparison, before: Resource, after: Resource
) -> tuple[tuple[Row, ...], tuple[str, ...]]:
    """Rows, and titles of the sections that tell the rest."""
    sides = []
    for resource, is_before in ((before, True), (after, False)):
        sides.append(
            {
                **by_title(comparison.properties(resource, is_before=is_before)),
                **{f"({key})": resource.declared.get(key) for key in _ATTRIBUTES},
            }
        )
    old, new = sides
    found: list[Row] = []
    titles: dict[str, None] = {}
    for key in sorted({**old, **new}):
        if old.get(key) == new.get(key):
            continue
        elsewhere = _ELSEWHERE.get(key)
        if elsewhere and key in old and key in new:
            titles[elsewhere] = None
        else:
            found.extend(rows({key: old.get(key)}, {key: new.get(key)}))
    return tuple(found), tuple(titles)
