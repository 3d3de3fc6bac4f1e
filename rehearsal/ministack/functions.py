"""What MiniStack's Lambda leaves out: metrics of asynchronous invocations, what it does as a
function's role, retries of events, and a stack's dead-letter queues.

https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
"""

import json
import logging
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from ministack import app
from ministack.core import iam_evaluator, lambda_runtime
from ministack.services import lambda_svc

Function = dict[str, Any]

_log = logging.getLogger(__name__)
_DEAD_LETTERS = "DeadLetterConfig"
_is_asynchronous: ContextVar[bool] = ContextVar("is_asynchronous", default=False)


def invoke_async_with_retry(
    old: Callable[..., None], function: Function, event: dict[str, Any]
) -> None:
    """Marks the attempts as asynchronous, for `execute_function`."""
    # The attempts run in a copy of this context.
    token = _is_asynchronous.set(True)
    try:
        old(function, event)
    finally:
        _is_asynchronous.reset(token)


def execute_function(
    old: Callable[..., Any], function: Function, event: Any, *rest: Any, **named: Any
) -> Any:
    """Each asynchronous attempt counts: `Invocations`, `Errors`, `Throttles` and `Duration`.

    MiniStack itself counts a call of Invoke with `InvocationType` Event as one more that went well.
    """
    began = time.monotonic()
    result = old(function, event, *rest, **named)
    if _is_asynchronous.get():
        config = function.get("config") or function
        lambda_svc._emit_lambda_metrics(
            config.get("FunctionName", ""),
            (time.monotonic() - began) * 1000,
            bool(result.get("error")),
            bool(result.get("throttle")),
        )
    return result


def emit_lambda_logs(
    old: Callable[..., None], function: Function, *rest: Any, **named: Any
) -> None:
    """Lines go to CloudWatch Logs only where the function's role may write them; else they are
    lost, as on AWS.
    """
    if _may_write_logs(function.get("config") or function):
        old(function, *rest, **named)


def route_async_failure(old: Callable[..., None], arn: str, name: str, *rest: Any) -> None:
    """A failed event goes to a dead-letter queue only where the function's role may send it."""
    function, config, _ = lambda_svc._get_func_record_for_ref(name)
    if not function or not config or _may_send(config, arn):
        old(arn, name, *rest)


def dispatch_to_lambda(old: Callable[..., None], arn: str, payload: str) -> None:
    """EventBridge, and an alarm, call a function that fails twice more, and then send the event to
    its dead-letter queue. MiniStack has that for others that call functions; it waits 1 s and 2 s
    between, AWS minutes.
    """
    function, config, _ = lambda_svc._get_func_record_for_ref(arn)
    if not function or not config:
        _log.warning("The function %s is not there: an event is lost", arn)
        return
    record = lambda_svc._execution_record_for_config(function, config)
    lambda_svc.invoke_async_with_retry(record, json.loads(payload))


def keep_dead_letters(name: str, properties: dict[str, Any]) -> None:
    """Gives a stack's function the DeadLetterConfig of its template.

    https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
    """
    _, config, _ = lambda_svc._get_func_record_for_ref(name)
    if config is not None:
        config.pop(_DEAD_LETTERS, None)
        if _DEAD_LETTERS in properties:
            config[_DEAD_LETTERS] = properties[_DEAD_LETTERS]


def _may_write_logs(config: dict[str, Any]) -> bool:
    name = config.get("FunctionName", "")
    group = (config.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{name}"
    region, account = config["FunctionArn"].split(":")[3:5]
    # The stream's name tells nothing: a pattern can only be of all streams.
    stream = f"arn:aws:logs:{region}:{account}:log-group:{group}:log-stream:{name}"
    actions = ("logs:CreateLogStream", "logs:PutLogEvents")
    return all(_may(config, action, stream) for action in actions)


def _may_send(config: dict[str, Any], arn: str) -> bool:
    action = {"sqs": "sqs:SendMessage", "sns": "sns:Publish"}.get(arn.split(":")[2])
    return action is None or _may(config, action, arn)


def _may(config: dict[str, Any], action: str, resource: str) -> bool:
    if not app.AUTH:
        return True
    key = lambda_runtime.execution_credentials(config)["AWS_ACCESS_KEY_ID"]
    region, service = config["FunctionArn"].split(":")[3], action.partition(":")[0]
    denied = iam_evaluator.enforce(key, action, service, region, resource_arn=resource)
    if denied is not None:
        _log.warning("%s is not done for the function %s", action, config.get("FunctionName"))
    return denied is None
