"""What Lambda does as a function's role, besides the function's own calls:
https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html
"""

# ruff: noqa: PLC0415 - MiniStack reads its settings when it is imported, so that is done late.
from __future__ import annotations

import logging
from typing import Any

_log = logging.getLogger(__name__)


def ask_roles_of_functions() -> None:
    """Lines go to CloudWatch Logs, and failed events to a dead-letter queue, only as far as the
    function's role may send them; what it may not is lost, as on AWS.
    """
    from ministack.services import lambda_svc

    emit, route = lambda_svc._emit_lambda_logs, lambda_svc._route_async_failure

    def emit_logs(function: dict[str, Any], *rest: Any, **named: Any) -> None:
        config = function.get("config") or function
        if _may_write_logs(config):
            emit(function, *rest, **named)

    def route_failure(arn: str, name: str, *rest: Any) -> None:
        function, config, _ = lambda_svc._get_func_record_for_ref(name)
        if not function or not config or _may_send(config, arn):
            route(arn, name, *rest)

    lambda_svc._emit_lambda_logs = emit_logs
    lambda_svc._route_async_failure = route_failure


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
    from ministack import app
    from ministack.core import iam_evaluator, lambda_runtime

    if not app.AUTH:
        return True
    key = lambda_runtime.execution_credentials(config)["AWS_ACCESS_KEY_ID"]
    region, service = config["FunctionArn"].split(":")[3], action.partition(":")[0]
    denied = iam_evaluator.enforce(key, action, service, region, resource_arn=resource)
    if denied is not None:
        _log.warning("%s is not done for the function %s", action, config.get("FunctionName"))
    return denied is None
