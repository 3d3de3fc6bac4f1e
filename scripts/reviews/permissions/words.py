"""Permissions as sentences."""

import re
from collections.abc import Callable

from scripts.reviews.names import listed, role_words
from scripts.reviews.permissions.permission import Condition
from scripts.reviews.permissions.together import Statement
from scripts.reviews.permissions.verbs import verbs

_SHORT = re.compile(r"\.Arn\}")
# `arn:<partition>:<service>:<Region>:<account>:`, of which a reader needs the service.
_ARN = re.compile(
    r"arn:(?:\$\{[^}]*\}|[^:]*):([a-z0-9-]+):(?:\$\{[^}]*\}|[^:]*):(?:\$\{[^}]*\}|[^:]*):"
)
_OPERATORS = {
    **dict.fromkeys(("StringEquals", "ArnEquals", "Bool", "NumericEquals"), "is"),
    **dict.fromkeys(("StringLike", "ArnLike"), "is like"),
    **dict.fromkeys(("StringNotEquals", "ArnNotEquals"), "is not"),
    **dict.fromkeys(("StringNotLike", "ArnNotLike"), "is not like"),
}


class Words:
    """Says permissions in words.

    Attributes:
        is_role: whether a reference `${<unit>.<name>}` is to a role.
    """

    def __init__(self, is_role: Callable[[str], bool]) -> None:
        self._is_role = is_role

    def sentence(self, statement: Statement, verb: str, denied: str) -> str:
        """E.g. `The training role may now read s3://${data.Drops}/drops/*`.

        Args:
            verb: of what is allowed, e.g. `may now`.
            denied: of what is denied, e.g. `is no longer forbidden to`.
        """
        says = denied if statement.is_denied else verb
        text = f"{self.who(statement.holder)} {says} {self.clause(statement)}"
        return text[0].upper() + text[1:]

    def clause(self, statement: Statement) -> str:
        """E.g. `read s3://${data.Drops}/drops/*`."""
        if statement.is_inverted:
            what = f"do anything but {', '.join(statement.actions)} to"
        else:
            what = verbs(statement.actions)
        return f"{what} {self._where(statement)}{_conditions(statement.conditions)}"

    def who(self, holder: str) -> str:
        """E.g. `the training role`."""
        return self._place(holder, "") if holder.startswith("${") else holder

    def _where(self, statement: Statement) -> str:
        service = statement.actions[0].partition(":")[0].lower()
        # In the policy of a key "*" is the key itself.
        resources = [
            statement.policy_of
            if place == "*" and service == "kms" and statement.policy_of
            else place
            for place in statement.resources
        ]
        places = listed(self._place(place, service) for place in resources)
        return f"{'anything but ' if statement.is_elsewhere else ''}{places}"

    def _place(self, resource: str, service: str) -> str:
        if resource == "*":
            return "any resource"
        if self._is_role(resource.replace(".Arn}", "}")):
            path = resource.strip("${}").removesuffix(".Arn").split(".", 1)[1]
            return f"the {role_words(path)} role"
        place = _ARN.sub(lambda found: _before(found[1], service), resource)
        is_bucket = service == "s3" and place.startswith("${")
        return f"{'s3://' if is_bucket else ''}{_SHORT.sub('}', place)}"


def _before(named: str, service: str) -> str:
    """What stands for an ARN's beginning."""
    if named == "s3":
        return "s3://"
    return "" if named == service else f"{named} "


def _conditions(conditions: tuple[Condition, ...]) -> str:
    if not conditions:
        return ""
    return ", where " + listed(
        f"{c.key} {_OPERATORS.get(c.operator, c.operator)} "
        f"{' or '.join(_SHORT.sub('}', value) for value in c.values)}"
        for c in conditions
    )
