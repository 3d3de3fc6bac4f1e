"""Lambda's metrics of asynchronous invocations, whose outcome MiniStack does not count:
https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
"""

# ruff: noqa: PLC0415 - MiniStack reads its settings when it is imported, so that is done late.
from __future__ import annotations

import time
from contextvars import ContextVar
from typing import Any

_is_asynchronous: ContextVar[bool] = ContextVar("is_asynchronous", default=False)


def count_asynchronous_invocations() -> None:
    """Each attempt is one: `Invocations`, `Errors`, `Throttles` and `Duration`.

    MiniStack itself counts a call of Invoke with `InvocationType` Event as one more that went well.
    """
    from ministack.services import lambda_svc

    execute, invoke = lambda_svc._execute_function, lambda_svc.invoke_async_with_retry

    def invoke_asynchronously(function: dict[str, Any], event: dict[str, Any]) -> None:
        # The attempts run in a copy of this context.
        token = _is_asynchronous.set(True)
        try:
            invoke(function, event)
        finally:
            _is_asynchronous.reset(token)

    def execute_function(function: dict[str, Any], event: Any, *rest: Any, **more: Any) -> Any:
        began = time.monotonic()
        result = execute(function, event, *rest, **more)
        if _is_asynchronous.get():
            config = function.get("config") or function
            lambda_svc._emit_lambda_metrics(
                config.get("FunctionName", ""),
                (time.monotonic() - began) * 1000,
                bool(result.get("error")),
                bool(result.get("throttle")),
            )
        return result

    lambda_svc._execute_function = execute_function
    lambda_svc.invoke_async_with_retry = invoke_asynchronously
