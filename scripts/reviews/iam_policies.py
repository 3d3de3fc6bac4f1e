"""Every policy of a side, as permissions: one action on one resource each.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

import itertools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from scripts.reviews.comparison import Side
from scripts.reviews.stacks import Resource

EVERYONE = "everyone"
_LIKE = ("stringlike", "arnlike", "arnequals")
_NEGATED = re.compile(r"not(equals|like|ipaddress)", re.IGNORECASE)
# With several values, each is enough by itself: such a statement is as many statements.
_ALTERNATIVES = ("StringEquals", "StringLike", "ArnEquals", "ArnLike")
_KINDS = {"Service": "the service ", "Federated": "identities of ", "CanonicalUser": "the user "}
# Where a policy of its own type names the resource that it lies on.
_TARGETS = (
    *("Bucket", "Queues", "Topics", "RepositoryName"),
    *("SecretId", "EventBusName", "PolicyName"),
)


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
            return all(any(_covers(mine, value) for mine in self.values) for value in other.values)
        return set(other.values) <= set(self.values)


@dataclass(frozen=True, order=True)
class Permission:
    """What a statement allows or denies: of a policy one action on one resource each.

    Several that can be said in one sentence become one with several actions, resources, values.

    Attributes:
        holder: whom the statement is about: a reference to the role for what a role may do, else
            the principal.
        policy_of: the resource that the policy lies on; empty for a role's own policies.
        is_denied: whether the statement denies it.
        actions: patterns, e.g. `s3:Get*`; with `is_inverted` those that it is not about
            (NotAction).
        resources: patterns; with `is_elsewhere` it is about all others (NotResource).
    """

    holder: str
    policy_of: str
    is_denied: bool
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: tuple[Condition, ...] = ()
    is_inverted: bool = False
    is_elsewhere: bool = False

    def covers(self, other: "Permission") -> bool:
        """Whether whatever the other one allows (or denies), this one does too."""
        return (
            (self.policy_of, self.is_denied) == (other.policy_of, other.is_denied)
            and self.holder in (other.holder, EVERYONE)
            and self._covers_actions(other)
            and self._covers_resources(other)
            and all(any(mine.covers(c) for c in other.conditions) for mine in self.conditions)
        )

    def _covers_actions(self, other: "Permission") -> bool:
        mine = [action.lower() for action in self.actions]
        others = [action.lower() for action in other.actions]
        if other.is_inverted:
            is_more = self.is_inverted and set(mine) <= set(others)
            return is_more or (not self.is_inverted and "*" in mine)
        if self.is_inverted:
            return not any(_overlaps(a, b) for a in mine for b in others)
        return all(any(_covers(a, b) for a in mine) for b in others)

    def _covers_resources(self, other: "Permission") -> bool:
        if self.is_elsewhere or other.is_elsewhere:
            same = (self.resources, self.is_elsewhere) == (other.resources, other.is_elsewhere)
            return same or ("*" in self.resources and not self.is_elsewhere)
        return all(any(_covers(a, b) for a in self.resources) for b in other.resources)


def all_permissions(side: Side) -> set[Permission]:
    """All that the policies of a side allow and deny."""
    permissions: set[Permission] = set()
    for resource in side.resources.values():
        properties = side.properties(resource)
        match resource.type:
            case "AWS::IAM::Policy" | "AWS::IAM::ManagedPolicy":
                for kind in ("Roles", "Users", "Groups"):
                    for holder in properties.get(kind, []):
                        permissions.update(_permissions(properties["PolicyDocument"], holder))
            case "AWS::IAM::Role":
                permissions.update(_role(properties, side.names.reference(resource)))
            case "AWS::Lambda::Permission":
                permissions.update(_lambda(properties))
            case _:
                permissions.update(
                    _on_resource(resource, properties, side.names.reference(resource))
                )
    return permissions


def _role(properties: dict[str, Any], holder: str) -> Iterator[Permission]:
    yield from _permissions(properties.get("AssumeRolePolicyDocument", {}), "", holder)
    for policy in properties.get("Policies", []):
        yield from _permissions(policy["PolicyDocument"], holder)
    for managed in properties.get("ManagedPolicyArns", []):
        yield Permission(holder, "", False, ("managed policy",), (str(managed),))


def _lambda(properties: dict[str, Any]) -> Iterator[Permission]:
    conditions = {
        key: properties[name]
        for name, key in (("SourceArn", "aws:SourceArn"), ("SourceAccount", "aws:SourceAccount"))
        if name in properties
    }
    principal = str(properties["Principal"])
    is_service = principal.endswith((".amazonaws.com", ".amazonaws.com.cn"))
    statement = {
        "Effect": "Allow",
        "Action": properties["Action"],
        "Principal": {"Service" if is_service else "AWS": principal},
        **({"Condition": {"ArnLike": conditions}} if conditions else {}),
    }
    target = str(properties["FunctionName"]).replace(".Arn}", "}")
    yield from _permissions({"Statement": [statement]}, "", target)


def _on_resource(resource: Resource, properties: dict[str, Any], own: str) -> Iterator[Permission]:
    """Of whatever property is a policy document, also one that is a string of JSON."""
    targets = next(
        (properties[key] for key in _TARGETS if "Policy" in resource.type and key in properties),
        own,
    )
    for value in properties.values():
        document = _document(value)
        for target in targets if isinstance(targets, list) else [targets]:
            if document is not None:
                yield from _permissions(document, "", str(target))


def _document(value: Any) -> dict[str, Any] | None:
    if isinstance(value, str) and value.startswith("{") and '"Statement"' in value:
        try:
            value = json.loads(value)
        except ValueError:
            return None
    return value if isinstance(value, dict) and "Statement" in value else None


def _permissions(
    document: Mapping[str, Any], holder: str, policy_of: str = ""
) -> Iterator[Permission]:
    """What a document without CloudFormation's functions says, of a holder or of its principals."""
    for statement in _statements(document.get("Statement", [])):
        inverted, elsewhere = "NotAction" in statement, "NotResource" in statement
        actions = sorted(
            map(str, _several(statement.get("NotAction", statement.get("Action", []))))
        )
        resources = _several(statement.get("NotResource", statement.get("Resource", policy_of)))
        for who, resource, conditions in itertools.product(
            [holder] if holder else list(_principals(statement)),
            sorted(map(str, resources)),
            _conditions(statement.get("Condition", {})),
        ):
            for some in [tuple(actions)] if inverted else [(action,) for action in actions]:
                yield Permission(
                    who,
                    policy_of,
                    statement.get("Effect") == "Deny",
                    some,
                    (resource,),
                    conditions,
                    inverted,
                    elsewhere,
                )


def _statements(value: Any) -> Iterator[Mapping[str, Any]]:
    """Those of both branches of a condition count, as nobody knows which will be in force."""
    for statement in _several(value):
        if isinstance(statement, Mapping) and "Effect" not in statement:
            for branch in statement.values():
                yield from _statements(branch)
        elif isinstance(statement, Mapping):
            yield statement


def _principals(statement: Mapping[str, Any]) -> Iterator[str]:
    if "NotPrincipal" in statement:
        yield f"everyone but {', '.join(_named(statement['NotPrincipal']))}"
    else:
        yield from sorted(_named(statement.get("Principal", "*")))


def _named(principal: Any) -> Iterator[str]:
    if isinstance(principal, str):
        yield EVERYONE if principal == "*" else principal
        return
    for kind, values in principal.items():
        for value in _several(values):
            if value == "*":
                yield EVERYONE
            elif kind == "AWS" and str(value).endswith(":root"):
                yield f"the account {str(value).split(':iam::')[-1].removesuffix(':root')}"
            else:
                yield f"{_KINDS.get(kind, '')}{value}"


def _conditions(operators: Mapping[str, Any]) -> Iterator[tuple[Condition, ...]]:
    """Each combination of the alternatives; one without conditions is empty."""
    choices: list[list[Condition]] = []
    for operator in sorted(operators):
        for key, given in sorted(operators[operator].items()):
            values = tuple(
                sorted(str(v).lower() if isinstance(v, bool) else str(v) for v in _several(given))
            )
            alternatives = [(value,) for value in values] if operator in _ALTERNATIVES else [values]
            choices.append([Condition(operator, key, each) for each in alternatives])
    yield from itertools.product(*choices)


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _covers(pattern: str, other: str) -> bool:
    """Whether a pattern with `*` and `?` matches all that another one matches."""
    return pattern == other or _compiled(pattern).fullmatch(other) is not None


def _overlaps(pattern: str, other: str) -> bool:
    """Whether two patterns may match the same text; sometimes true where none is."""
    heads = [re.split(r"[*?]", text)[0] for text in (pattern, other)]
    shortest = min(map(len, heads))
    return heads[0][:shortest] == heads[1][:shortest]


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    # A wildcard of the other side counts as a character that only `*` matches.
    parts = {"*": ".*", "?": "[^*]"}
    return re.compile("".join(parts.get(c, re.escape(c)) for c in pattern), re.DOTALL)
