"""Which permissions a change adds and takes, where nothing else already says the same."""

from collections.abc import Iterable
from dataclasses import dataclass

from scripts.reviews.names import Names
from scripts.reviews.permissions.documents import all_permissions, role_holder
from scripts.reviews.permissions.permission import Permission
from scripts.reviews.plain import Plain
from scripts.reviews.stacks import Stacks


@dataclass(frozen=True)
class PermissionChanges:
    """What differs.

    Attributes:
        widened: permissions that are new, and denials that are gone.
        narrowed: permissions that are gone, and denials that are new.
        gone: what had a policy or held permissions and is not there any more.
    """

    widened: tuple[Permission, ...]
    narrowed: tuple[Permission, ...]
    gone: tuple[str, ...]


def permission_changes(
    before: Stacks, after: Stacks, names: Names, plain_before: Plain, plain_after: Plain
) -> PermissionChanges:
    """Compares all policies; what is new and covered by what was there widens nothing."""
    old = all_permissions(before, names, plain_before)
    new = all_permissions(after, names, plain_after)
    added, removed = _beyond(new, old), _beyond(old, new)
    here, there = _references(after, names), _references(before, names)
    gone = there - here
    denied = [p for p in new if p.is_denied and not p.conditions]
    widened = [p for p in added if not p.is_denied and not _is_denied(p, denied)]
    # A denial on what is gone, or for whom is gone, protects nothing any more.
    widened += [p for p in removed if p.is_denied and not _touches(p, gone)]
    narrowed = [p for p in removed if not p.is_denied and not _touches(p, gone)]
    narrowed += [p for p in added if p.is_denied and not _touches(p, here - there)]
    return PermissionChanges(
        tuple(sorted(widened)),
        tuple(sorted(narrowed)),
        tuple(sorted({p.holder for p in removed if p.holder in gone and not p.policy_of})),
    )


def _beyond(some: set[Permission], others: set[Permission]) -> list[Permission]:
    """Those that nothing on the other side covers, without those that one of them covers."""
    new = sorted(p for p in some - others if not any(other.covers(p) for other in others))
    return [
        p
        for p in new
        if not any(other != p and other.covers(p) and not p.covers(other) for other in new)
    ]


def _is_denied(permission: Permission, denials: Iterable[Permission]) -> bool:
    allowed_alike = (
        Permission(
            d.holder, d.policy_of, False, d.actions, d.resource, (), d.is_inverted, d.is_elsewhere
        )
        for d in denials
    )
    return any(alike.covers(permission) for alike in allowed_alike)


def _references(side: Stacks, names: Names) -> set[str]:
    return {role_holder(resource, names) for resource in side.resources()}


def _touches(permission: Permission, references: set[str]) -> bool:
    return permission.holder in references or permission.policy_of in references
