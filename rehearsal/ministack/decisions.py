"""Requests on record, decided anew by MiniStack's own engine of IAM, outside its server."""

# ruff: noqa: PLC0415 - MiniStack reads its settings when it is imported, so that is done late.
from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from rehearsal.authorization.record import Request

Policy = list[Any]
"""Statements as the engine has them."""


@dataclass(frozen=True)
class Asked:
    """What of a request decides about it.

    Attributes:
        context: condition keys and values as JSON, so that equal ones are decided once.
    """

    principal: str
    action: str
    resource: str
    context: str
    by_resource: str

    @classmethod
    def of(cls, request: Request) -> Asked:
        context = json.dumps(request.context, sort_keys=True)
        return cls(
            request.principal, request.action, request.resource, context, request.by_resource
        )


def parse(document: dict[str, Any]) -> Policy:
    from ministack.core import iam_evaluator

    found: Policy = iam_evaluator.parse_policy_document(document)
    return found


def allows(policy: Policy, asked: Asked) -> bool:
    """Whether the policy alone allows it."""
    from ministack.core import iam_evaluator

    _, _, _, region, account, *_ = [*asked.principal.split(":"), "", ""]
    context = iam_evaluator.EvalContext(
        principal_arn=asked.principal,
        principal_type="AssumedRole",
        principal_account=account,
        action=asked.action,
        resource_arn=asked.resource,
        region=region,
        secure_transport=True,
        service_context=json.loads(asked.context),
    )
    return bool(iam_evaluator.evaluate(context, [policy]).decision == "Allow")
