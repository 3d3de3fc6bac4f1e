"""What IAM policies allow, by MiniStack's own engine and without its server."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ministack.core import iam_evaluator

Document = dict[str, Any]
"""A policy as JSON has it."""

Policy = list[Any]
"""Its statements, as MiniStack's engine has them."""


@dataclass(frozen=True)
class ActionRequest:
    """What of a request decides about it.

    Attributes:
        principal: ARN of the role's session.
        context: condition keys and values as JSON, so that equal ones are decided once.
        by_resource: see `rehearsal.authorization.record.Request`.
    """

    principal: str
    action: str
    resource: str
    context: str = "{}"
    by_resource: str = ""


def parse(document: Document) -> Policy:
    """A policy, for `allows`."""
    policy: Policy = iam_evaluator.parse_policy_document(document)
    return policy


def allows(
    request: ActionRequest,
    policies: Sequence[Policy],
    resource_policy: Document | None = None,
    resource_account: str | None = None,
) -> bool:
    """Whether a role's policies allow a request, and no others of the role.

    Args:
        resource_account: whose the resource is; by default no resource's policy is looked at.
    """
    _, _, _, region, account, *_ = [*request.principal.split(":"), "", ""]
    context = iam_evaluator.EvalContext(
        principal_arn=request.principal,
        principal_type="AssumedRole",
        principal_account=account,
        action=request.action,
        resource_arn=request.resource,
        region=region,
        secure_transport=True,
        service_context=json.loads(request.context),
    )
    result = iam_evaluator.evaluate(context, policies)
    if resource_account is not None:
        result = iam_evaluator.combine_resource_policy(
            result, context, resource_policy, resource_account
        )
    return bool(result.decision == "Allow")
