"""Grants, and which of them the requests on record needed.

A grant is one action on one resource pattern in one statement that allows; a statement that names
two actions and three patterns is six.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rehearsal.authorization.record import Request
from rehearsal.ministack.policies import ActionRequest, allows, parse

Document = dict[str, Any]


@dataclass(frozen=True)
class Grant:
    """One action on one resource pattern that a role's policy allows.

    Attributes:
        statement: its place in the policy, from 0.
        conditions: as JSON, so that grants can be compared.
    """

    role: str
    policy: str
    statement: int
    action: str
    resource: str
    conditions: str = "{}"

    @property
    def document(self) -> Document:
        """A policy of this grant alone."""
        allowed = {"Effect": "Allow", "Action": self.action, "Resource": self.resource}
        conditions = json.loads(self.conditions)
        return {"Statement": [allowed | ({"Condition": conditions} if conditions else {})]}

    def __str__(self) -> str:
        conditions = "" if self.conditions == "{}" else f" where {self.conditions}"
        return f"{self.action} on {self.resource}{conditions}"


@dataclass
class Use:
    """How many requests a grant served.

    Attributes:
        uses: requests that the grant allows.
        needed: those of them that no other grant and no resource's own policy allows.
        example: one of those needed.
    """

    uses: int = 0
    needed: int = 0
    example: str = ""


@dataclass(frozen=True)
class Role:
    """A role with its inline policies, by name."""

    name: str
    policies: Mapping[str, Document] = field(default_factory=dict)

    @property
    def grants(self) -> list[Grant]:
        """Each once, however often a statement names it."""
        return list(
            dict.fromkeys(
                Grant(self.name, policy, number, action, resource, _conditions(statement))
                for policy, document in self.policies.items()
                for number, statement in enumerate(listed(document["Statement"]))
                if statement["Effect"] == "Allow"
                for action in listed(statement["Action"])
                for resource in listed(statement["Resource"])
            )
        )

    def without(self, grant: Grant) -> Document | None:
        """The grant's policy less the grant; None where nothing is left of it."""
        statements: list[Document] = []
        for number, statement in enumerate(listed(self.policies[grant.policy]["Statement"])):
            if number != grant.statement:
                statements.append(statement)
                continue
            actions, resources = listed(statement["Action"]), listed(statement["Resource"])
            others = [action for action in actions if action != grant.action]
            rest = [resource for resource in resources if resource != grant.resource]
            if others:
                statements.append(statement | {"Action": others})
            if rest:
                statements.append(statement | {"Action": [grant.action], "Resource": rest})
        return {"Version": "2012-10-17", "Statement": statements} if statements else None


def replay(roles: Sequence[Role], requests: Iterable[Request]) -> dict[Grant, Use]:
    """Decides each request that was allowed anew, by MiniStack's engine, with one grant at a time.

    A request that one grant alone allows is refused without it: it needs the grant.
    """
    distinct = _distinct(requests)
    found = {grant: Use() for role in roles for grant in role.grants}
    for role in roles:
        policies = [(grant, parse(grant.document)) for grant in role.grants]
        for request, count in distinct.get(role.name, Counter()).items():
            allowing = [grant for grant, policy in policies if allows(request, [policy])]
            for grant in allowing:
                use = found[grant]
                use.uses += count
                if len(allowing) == 1 and request.by_resource != "allows":
                    use.needed += count
                    use.example = use.example or f"{request.action} on {request.resource}"
    return found


def listed(value: Any) -> list[Any]:
    """IAM writes a list of one as that one."""
    return value if isinstance(value, list) else [value]


def _conditions(statement: Document) -> str:
    return json.dumps(statement.get("Condition", {}), sort_keys=True)


def _distinct(requests: Iterable[Request]) -> Mapping[str, Counter[ActionRequest]]:
    found: dict[str, Counter[ActionRequest]] = defaultdict(Counter)
    for request in requests:
        if request.is_allowed and request.role is not None:
            context = json.dumps(request.context, sort_keys=True)
            asked = ActionRequest(
                request.principal, request.action, request.resource, context, request.by_resource
            )
            found[request.role][asked] += 1
    return found
