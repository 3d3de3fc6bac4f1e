"""Permissions that can be said in one sentence."""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, replace

from scripts.reviews.permissions.permission import Condition, Permission


@dataclass(frozen=True)
class Statement:
    """As many permissions as differ in actions, in resources or in one condition's value alone."""

    holder: str
    policy_of: str
    is_denied: bool
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: tuple[Condition, ...]
    is_inverted: bool
    is_elsewhere: bool


def together(some: Iterable[Permission]) -> list[Statement]:
    """In the order of the permissions."""
    made = [_alone(permission) for permission in some]
    made = _merge(made, _by_actions, lambda s: {"actions": _all(x.actions for x in s)})
    made = _merge(made, _by_value, lambda s: {"conditions": (_alternatives(s),)})
    return _merge(made, _by_resources, lambda s: {"resources": _all(x.resources for x in s)})


def _alone(p: Permission) -> Statement:
    return Statement(
        p.holder,
        p.policy_of,
        p.is_denied,
        p.actions,
        (p.resource,),
        p.conditions,
        p.is_inverted,
        p.is_elsewhere,
    )


def _merge(
    some: list[Statement],
    key: Callable[[Statement], Hashable],
    merged: Callable[[list[Statement]], dict[str, object]],
) -> list[Statement]:
    groups: dict[Hashable, list[Statement]] = {}
    for statement in some:
        groups.setdefault(key(statement), []).append(statement)
    return [
        replace(group[0], **merged(group)) if len(group) > 1 else group[0]  # type: ignore[arg-type]
        for group in groups.values()
    ]


def _by_actions(s: Statement) -> Hashable:
    # A sentence about several services has no verb that fits; what is left out can't be added.
    same = s.actions if s.is_inverted else s.actions[0].partition(":")[0].lower()
    return replace(s, actions=()), same


def _by_value(s: Statement) -> Hashable:
    if len(s.conditions) != 1:
        return s
    return replace(s, conditions=()), s.conditions[0].operator, s.conditions[0].key


def _by_resources(s: Statement) -> Hashable:
    return s if s.is_elsewhere else replace(s, resources=())


def _alternatives(some: list[Statement]) -> Condition:
    return replace(some[0].conditions[0], values=_all(s.conditions[0].values for s in some))


def _all(parts: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(sorted({part for several in parts for part in several}))
