"""The smallest part of a policy, and whether one says all that another says.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

import re
from dataclasses import dataclass
from functools import lru_cache

EVERYONE = "everyone"
_LIKE = ("stringlike", "arnlike", "arnequals")
_NEGATED = re.compile(r"not(equals|like|ipaddress)", re.IGNORECASE)


@dataclass(frozen=True, order=True)
class Condition:
    """One key of a statement's Condition; the values are alternatives."""

    operator: str
    key: str
    values: tuple[str, ...]

    def covers(self, other: "Condition") -> bool:
        """Whether all requests that pass the other one pass this one."""
        if (self.operator.lower(), self.key.lower()) != (other.operator.lower(), other.key.lower()):
            return False
        if _NEGATED.search(self.operator):
            return set(self.values) <= set(other.values)
        if self.operator.lower().removesuffix("ifexists") in _LIKE:
            return all(any(covers(mine, value) for mine in self.values) for value in other.values)
        return set(other.values) <= set(self.values)


@dataclass(frozen=True, order=True)
class Permission:
    """One action on one resource.

    Attributes:
        holder: whom the statement is about: `role <unit>/<name>` for what a role may do, else the
            principal.
        policy_of: the resource that the policy lies on; empty for a role's own policies.
        is_denied: whether the statement denies it.
        actions: one pattern of actions, e.g. `s3:Get*`, or with `is_inverted` those that it is not
            about (NotAction).
        resource: a pattern; with `is_elsewhere` it is about all others (NotResource).
    """

    holder: str
    policy_of: str
    is_denied: bool
    actions: tuple[str, ...]
    resource: str
    conditions: tuple[Condition, ...] = ()
    is_inverted: bool = False
    is_elsewhere: bool = False

    def covers(self, other: "Permission") -> bool:
        """Whether whatever the other one allows (or denies), this one does too."""
        return (
            (self.policy_of, self.is_denied) == (other.policy_of, other.is_denied)
            and self.holder in (other.holder, EVERYONE)
            and self._covers_actions(other)
            and self._covers_resource(other)
            and all(any(mine.covers(c) for c in other.conditions) for mine in self.conditions)
        )

    def _covers_actions(self, other: "Permission") -> bool:
        mine = [action.lower() for action in self.actions]
        others = [action.lower() for action in other.actions]
        if other.is_inverted:
            is_more = self.is_inverted and set(mine) <= set(others)
            return is_more or (not self.is_inverted and "*" in mine)
        if self.is_inverted:
            return not any(overlaps(a, b) for a in mine for b in others)
        return all(any(covers(a, b) for a in mine) for b in others)

    def _covers_resource(self, other: "Permission") -> bool:
        if self.is_elsewhere or other.is_elsewhere:
            same = (self.resource, self.is_elsewhere) == (other.resource, other.is_elsewhere)
            return same or (self.resource == "*" and not self.is_elsewhere)
        return covers(self.resource, other.resource)


def covers(pattern: str, other: str) -> bool:
    """Whether a pattern with `*` and `?` matches all that another one matches."""
    return pattern == other or _compiled(pattern).fullmatch(other) is not None


def overlaps(pattern: str, other: str) -> bool:
    """Whether two patterns may match the same text; sometimes true where none is."""
    heads = [re.split(r"[*?]", text)[0] for text in (pattern, other)]
    shortest = min(map(len, heads))
    return heads[0][:shortest] == heads[1][:shortest]


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    # A wildcard of the other side counts as a character that only `*` matches.
    parts = {"*": ".*", "?": "[^*]"}
    return re.compile("".join(parts.get(c, re.escape(c)) for c in pattern), re.DOTALL)
