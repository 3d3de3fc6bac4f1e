"""Policy documents as permissions.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
"""

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from scripts.reviews.permissions.permission import EVERYONE, Condition, Permission

# With several values, each is enough by itself: such a statement is as many statements.
_ALTERNATIVES = ("StringEquals", "StringLike", "ArnEquals", "ArnLike")
_KINDS = {"Service": "the service ", "Federated": "identities of ", "CanonicalUser": "the user "}


def permissions(
    document: Mapping[str, Any], holder: str, policy_of: str = ""
) -> Iterator[Permission]:
    """What a document without CloudFormation's functions says.

    Args:
        holder: of an identity's policy; a resource's policy names its principals itself.
        policy_of: the resource that the policy lies on.
    """
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
                    resource,
                    conditions,
                    inverted,
                    elsewhere,
                )


def _statements(found: Any) -> Iterator[Mapping[str, Any]]:
    """Those of both branches of a condition count, as nobody knows which will be in force."""
    for statement in _several(found):
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


def _conditions(found: Mapping[str, Any]) -> Iterator[tuple[Condition, ...]]:
    """Each combination of the alternatives; one without conditions is empty."""
    choices: list[list[Condition]] = []
    for operator in sorted(found):
        for key in sorted(found[operator]):
            values = tuple(sorted(_text(value) for value in _several(found[operator][key])))
            if operator in _ALTERNATIVES:
                choices.append([Condition(operator, key, (value,)) for value in values])
            else:
                choices.append([Condition(operator, key, values)])
    yield from itertools.product(*choices)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
