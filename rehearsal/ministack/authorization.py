"""MiniStack's enforcement of IAM: the record of its decisions, and what it does not know of TLS."""

# ruff: noqa: PLC0415 - MiniStack reads its settings when it is imported, so that is done late.
from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

from rehearsal.authorization.record import Record, Request

_log = logging.getLogger(__name__)


def record_decisions(record: Record) -> None:
    """Each decision of MiniStack's one entry point is written down; a refusal is logged too."""
    from ministack.core import iam_evaluator

    its_own = iam_evaluator.enforce

    def enforce(  # noqa: PLR0913, PLR0917 - as MiniStack calls it
        access_key: str,
        action: str,
        service: str,
        region: str,
        resource_arn: str = "*",
        service_context: dict[str, Any] | None = None,
    ) -> Any:
        denied = its_own(access_key, action, service, region, resource_arn, service_context)
        principal = _principal(access_key)
        if principal is None or isinstance(denied, iam_evaluator.AuthError):
            return denied
        context = {key.lower(): value for key, value in (service_context or {}).items()}
        request = Request(
            time=datetime.now(UTC).isoformat(timespec="milliseconds"),
            principal=principal,
            action=action,
            resource=resource_arn,
            is_allowed=denied is None,
            context=context,
        )
        record.add(request)
        if denied is not None:
            _log.warning(
                "%s may not %s on %s with %s", principal, action, resource_arn, context or "nothing"
            )
        return denied

    iam_evaluator.enforce = enforce


def take_loopback_for_tls() -> None:
    """The endpoint on this machine's loopback stands for AWS's own, which are reached by TLS: a
    policy that denies what comes without (`aws:SecureTransport`) would deny every request here.
    """
    from ministack.core import iam_evaluator

    its_own = iam_evaluator._resolve_condition_key

    def resolve(key: str, context: Any) -> Any:
        return "true" if key.lower() == "aws:securetransport" else its_own(key, context)

    iam_evaluator._resolve_condition_key = resolve


def _principal(access_key: str) -> str | None:
    """ARN of the user or session; None for root, which may do all."""
    from ministack.core import iam_evaluator
    from ministack.core.responses import _account_from_sts_session, get_account_id

    if iam_evaluator.is_root_access_key(access_key or ""):
        return None
    account = _account_from_sts_session(access_key) or get_account_id()
    found = iam_evaluator.resolve_credential(access_key, account)
    return found.principal_arn if isinstance(found, iam_evaluator.ResolvedCredential) else None
