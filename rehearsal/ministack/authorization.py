"""MiniStack's enforcement of IAM: the record of its decisions, and what it does not know of TLS."""

# ruff: noqa: PLC0415 - MiniStack reads its settings when it is imported, so that is done late.
from __future__ import annotations

import logging
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from rehearsal.authorization.record import Record, Request
from rehearsal.aws import Credentials
from rehearsal.backends import Permission
from rehearsal.ministack import requests
from rehearsal.ministack.requests import Check

_log = logging.getLogger(__name__)
_by_resource: ContextVar[str] = ContextVar("by_resource", default="")


def record_decisions(record: Record) -> None:
    """Each decision of MiniStack's one entry point is written down; a refusal is logged too."""
    from ministack.core import iam_evaluator

    its_own = iam_evaluator.enforce
    _note_resource_policies()

    def enforce(  # noqa: PLR0913, PLR0917 - as MiniStack calls it
        access_key: str,
        action: str,
        service: str,
        region: str,
        resource_arn: str = "*",
        service_context: dict[str, Any] | None = None,
    ) -> Any:
        checks = [Check(action, resource_arn, service_context or {}), *requests.take_further()]
        for check in checks:
            # So that a key's or bucket's own policy is looked at.
            owner = service if check.action == action else check.action.partition(":")[0]
            _by_resource.set("")
            denied = its_own(access_key, check.action, owner, region, check.resource, check.context)
            principal = None if _is_unknown(denied) else _principal(access_key)
            if principal is not None:
                _add(record, principal, check, is_allowed=denied is None)
            if denied is not None:
                requests.refuse(check)
                return denied
        return None

    iam_evaluator.enforce = enforce


class Decisions:
    """`rehearsal.backends.Authorization` by MiniStack's engine, on record as its own decisions."""

    def __init__(self, record: Record, *, enforced: bool) -> None:
        self._record = record
        self._enforced = enforced

    def allows(self, credentials: Credentials, asked: Permission) -> bool:
        from ministack.core import iam_evaluator
        from ministack.core.responses import get_account_id, get_region

        if not self._enforced:
            return True
        who = iam_evaluator.resolve_principal(credentials.access_key_id, get_account_id())
        if isinstance(who, iam_evaluator.AuthError):
            return False
        context = iam_evaluator.EvalContext(
            principal_arn=who.arn,
            principal_type=who.type,
            principal_account=who.account,
            action=asked.action,
            resource_arn=asked.resource,
            region=get_region(),
            service_context={key.lower(): value for key, value in asked.conditions.items()},
            principal_keys=who.keys,
        )
        policies = who.policies or []
        if asked.is_unscoped:
            policies = [[each for each in policy if _counts(each)] for policy in policies]
        decided = iam_evaluator.evaluate(context, policies, *who.limits)
        is_allowed = bool(decided.decision == "Allow")
        _by_resource.set("")
        check = Check(asked.action, asked.resource, dict(asked.conditions))
        _add(self._record, who.arn, check, is_allowed=is_allowed)
        return is_allowed


def _counts(statement: Any) -> bool:
    """Whether a statement refuses, or allows without a scope."""
    is_unscoped = "*" in statement.resources and not statement.conditions
    return statement.effect == "Deny" or is_unscoped


def _note_resource_policies() -> None:
    """What the resource's own policy says to the request that is decided."""
    from ministack.core import iam_evaluator

    its_own = iam_evaluator.combine_resource_policy

    def combine(identity: Any, *rest: Any, **named: Any) -> Any:
        def with_identity(decision: str) -> bool:
            given = iam_evaluator.EvalResult(decision, identity.principal_arn)
            return bool(its_own(given, *rest, **named).decision == "Allow")

        if with_identity("ImplicitDeny"):
            _by_resource.set("allows")
        elif not with_identity("Allow"):
            _by_resource.set("refuses")
        return its_own(identity, *rest, **named)

    iam_evaluator.combine_resource_policy = combine


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


def take_loopback_for_tls() -> None:
    """The endpoint on this machine's loopback stands for AWS's own, which are reached by TLS: a
    policy that denies what comes without (`aws:SecureTransport`) would deny every request here.
    """
    from ministack.core import iam_evaluator

    its_own = iam_evaluator._resolve_condition_key

    def resolve(key: str, context: Any) -> Any:
        return "true" if key.lower() == "aws:securetransport" else its_own(key, context)

    iam_evaluator._resolve_condition_key = resolve


def _is_unknown(denied: Any) -> bool:
    """Whether the caller is nobody that is known here."""
    from ministack.core import iam_evaluator

    return isinstance(denied, iam_evaluator.AuthError)


def _principal(access_key: str) -> str | None:
    """ARN of the user or session; None for root, which may do all."""
    from ministack.core import iam_evaluator
    from ministack.core.responses import _account_from_sts_session, get_account_id

    if iam_evaluator.is_root_access_key(access_key or ""):
        return None
    account = _account_from_sts_session(access_key) or get_account_id()
    found = iam_evaluator.resolve_credential(access_key, account)
    return found.principal_arn if isinstance(found, iam_evaluator.ResolvedCredential) else None
