"""Permissions as sentences."""

import re
from collections.abc import Callable, Iterable

from scripts.reviews.names import listed, role_words
from scripts.reviews.permissions.permission import Condition, Permission
from scripts.reviews.permissions.verbs import verbs

_SHORT = re.compile(r"\.Arn\}")
_ARN = re.compile(
    r"arn:[^:]*(?:::[A-Za-z]+\})?:([a-z0-9-]+):(?:\$\{[^}]*\}|[^:]*):(?:\$\{[^}]*\}|[^:]*):"
)
_OPERATORS = {
    **dict.fromkeys(("StringEquals", "ArnEquals", "Bool", "NumericEquals"), "is"),
    **dict.fromkeys(("StringLike", "ArnLike"), "is like"),
    **dict.fromkeys(("StringNotEquals", "ArnNotEquals"), "is not"),
    **dict.fromkeys(("StringNotLike", "ArnNotLike"), "is not like"),
}


class Words:
    """Says permissions in words.

    :param is_role: whether a reference `${<unit>.<name>}` is to a role.
    """

    def __init__(self, is_role: Callable[[str], bool]) -> None:
        self._is_role = is_role

    def sentences(
        self, some: Iterable[Permission], verb: str, denied: str
    ) -> list[tuple[str, str]]:
        """A sentence and its actions for as many permissions as can be said together.

        :param verb: of what is allowed, e.g. `may now`.
        :param denied: of what is denied, e.g. `is no longer forbidden to`.
        """
        made = []
        for permission, actions, resources in _together(some):
            says = denied if permission.is_denied else verb
            what = self._what(permission, actions)
            where = self._where(permission, resources)
            text = f"{self.who(permission.holder)} {says} {what} {where}"
            text += self._conditions(permission.conditions)
            made.append((text[0].upper() + text[1:], self._exactly(permission, actions)))
        return made

    def who(self, holder: str) -> str:
        """E.g. `the training role`."""
        return self._place(holder, "") if holder.startswith("${") else holder

    def _what(self, permission: Permission, actions: tuple[str, ...]) -> str:
        if permission.is_inverted:
            return f"do anything but {', '.join(actions)} to"
        return verbs(actions)

    def _exactly(self, permission: Permission, actions: tuple[str, ...]) -> str:
        return (
            "" if actions == ("managed policy",) or permission.is_inverted else ", ".join(actions)
        )

    def _where(self, permission: Permission, resources: tuple[str, ...]) -> str:
        service = permission.actions[0].partition(":")[0].lower()
        places = [self._place(resource, service) for resource in resources]
        return f"{'anything but ' if permission.is_elsewhere else ''}{listed(places)}"

    def _place(self, resource: str, service: str) -> str:
        if resource == "*":
            return "any resource"
        if self._is_role(resource.replace(".Arn}", "}")):
            path = resource.strip("${}").removesuffix(".Arn").split(".", 1)[1]
            return f"the {role_words(path)} role"
        place = _ARN.sub(r"\1 ", resource)
        is_bucket = service == "s3" and place.startswith("${")
        return f"{'s3://' if is_bucket else ''}{_SHORT.sub('}', place)}"

    def _conditions(self, conditions: tuple[Condition, ...]) -> str:
        if not conditions:
            return ""
        return ", where " + listed(
            f"{c.key} {_OPERATORS.get(c.operator, c.operator)} {' or '.join(c.values)}"
            for c in conditions
        )


Group = tuple[Permission, tuple[str, ...], tuple[str, ...]]


def _together(some: Iterable[Permission]) -> list[Group]:
    """Permissions that differ only in their actions, then only in their resources, said as one."""
    by_resource: dict[Permission, set[str]] = {}
    for p in some:
        key = _without(p, actions=p.actions if p.is_inverted else _service(p), resource=p.resource)
        by_resource.setdefault(key, set()).update(p.actions)
    by_actions: dict[tuple[Permission, tuple[str, ...]], list[str]] = {}
    for p, actions in by_resource.items():
        key = _without(p, actions=p.actions, resource="")
        by_actions.setdefault((key, tuple(sorted(actions))), []).append(p.resource)
    return [(p, actions, tuple(sorted(places))) for (p, actions), places in by_actions.items()]


def _service(permission: Permission) -> tuple[str, ...]:
    return (permission.actions[0].partition(":")[0],)


def _without(p: Permission, actions: tuple[str, ...], resource: str) -> Permission:
    return Permission(
        p.holder,
        p.policy_of,
        p.is_denied,
        actions,
        resource,
        p.conditions,
        p.is_inverted,
        p.is_elsewhere,
    )
