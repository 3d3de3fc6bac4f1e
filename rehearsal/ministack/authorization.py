"""MiniStack's enforcement of IAM: the record of its decisions, and how it reads policies."""

import logging
import re
from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.responses import _account_from_sts_session, get_account_id, get_region

from rehearsal.authorization.record import Record, Request
from rehearsal.aws import Credentials, Permission
from rehearsal.ministack import requests
from rehearsal.ministack.requests import Check

_log = logging.getLogger(__name__)
_by_resource: ContextVar[str] = ContextVar("by_resource", default="")


def enforce(
    record: Record,
    old: Callable[..., Any],
    access_key: str,
    action: str,
    service: str,
    region: str,
    resource_arn: str = "*",
    service_context: dict[str, Any] | None = None,
) -> Any:
    """Each decision of MiniStack's one entry point is written down; a refusal is logged too."""
    checks = [Check(action, resource_arn, service_context or {}), *requests.take_further()]
    for check in checks:
        # So that a key's or bucket's own policy is looked at.
        owner = service if check.action == action else check.action.partition(":")[0]
        _by_resource.set("")
        denied = old(access_key, check.action, owner, region, check.resource, check.context)
        # An AuthError is about a caller that nobody here knows.
        is_known = not isinstance(denied, iam_evaluator.AuthError)
        principal = _principal(access_key) if is_known else None
        if principal is not None:
            _add(record, principal, check, is_allowed=denied is None)
        if denied is not None:
            requests.refuse(check)
            return denied
    return None


class Decisions:
    """Decides by MiniStack's engine, on record as its own decisions."""

    def __init__(self, record: Record, *, enforced: bool) -> None:
        self._record = record
        self._enforced = enforced

    def allows(self, credentials: Credentials, permission: Permission) -> bool:
        """Whether their owner's policies allow it; always where IAM is not enforced."""
        if not self._enforced:
            return True
        who = iam_evaluator.resolve_principal(credentials.access_key_id, get_account_id())
        if isinstance(who, iam_evaluator.AuthError):
            return False
        context = iam_evaluator.EvalContext(
            principal_arn=who.arn,
            principal_type=who.type,
            principal_account=who.account,
            action=permission.action,
            resource_arn=permission.resource,
            region=get_region(),
            service_context={key.lower(): value for key, value in permission.conditions.items()},
            principal_keys=who.keys,
        )
        policies = who.policies or []
        if permission.is_unscoped:
            policies = [[each for each in policy if _counts(each)] for policy in policies]
        decided = iam_evaluator.evaluate(context, policies, *who.limits)
        is_allowed = bool(decided.decision == "Allow")
        _by_resource.set("")
        check = Check(permission.action, permission.resource, dict(permission.conditions))
        _add(self._record, who.arn, check, is_allowed=is_allowed)
        return is_allowed


def _counts(statement: Any) -> bool:
    """Whether a statement refuses, or allows without a scope."""
    is_unscoped = "*" in statement.resources and not statement.conditions
    return statement.effect == "Deny" or is_unscoped


def combine_resource_policy(
    old: Callable[..., Any], identity: Any, *rest: Any, **named: Any
) -> Any:
    """Notes what the resource's own policy says to the request that is decided."""

    def with_identity(decision: str) -> bool:
        given = iam_evaluator.EvalResult(decision, identity.principal_arn)
        return bool(old(given, *rest, **named).decision == "Allow")

    if with_identity("ImplicitDeny"):
        _by_resource.set("allows")
    elif not with_identity("Allow"):
        _by_resource.set("refuses")
    return old(identity, *rest, **named)


def _add(record: Record, principal: str, check: Check, *, is_allowed: bool) -> None:
    context = {key.lower(): value for key, value in check.context.items()}
    record.add(
        Request(
            time=datetime.now(UTC).isoformat(timespec="milliseconds"),
            principal=principal,
            action=check.action,
            resource=check.resource,
            is_allowed=is_allowed,
            context=context,
            by_resource=_by_resource.get(),
        )
    )
    if not is_allowed:
        _log.warning(
            "%s may not %s on %s with %s", principal, check.action, check.resource, context
        )


def resolve_condition_key(old: Callable[[str, Any], Any], key: str, context: Any) -> Any:
    """The endpoint on this machine's loopback stands for AWS's own, which are reached by TLS: a
    policy that denies what comes without (`aws:SecureTransport`) would deny every request here.
    """
    return "true" if key.lower() == "aws:securetransport" else old(key, context)


@lru_cache(maxsize=4096)
def compile_pattern(
    old: Callable[[str, bool], re.Pattern[str]], pattern: str, ignore_case: bool
) -> re.Pattern[str]:
    """IAM's `*` and `?` stand for any character, a newline in a key too:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
    """
    found = old(pattern, ignore_case)
    # `$` would also stand before a newline at the end.
    return re.compile(found.pattern.removesuffix("$") + r"\Z", found.flags | re.DOTALL)


def _principal(access_key: str) -> str | None:
    """ARN of the user or session; None for root, which may do all."""
    if iam_evaluator.is_root_access_key(access_key or ""):
        return None
    account = _account_from_sts_session(access_key) or get_account_id()
    found = iam_evaluator.resolve_credential(access_key, account)
    return found.principal_arn if isinstance(found, iam_evaluator.ResolvedCredential) else None
