"""What a request is in the words of IAM - its action, resource and condition keys - where MiniStack
does not know it, as the Service Authorization Reference has it:
https://docs.aws.amazon.com/service-authorization/latest/reference/
"""

# ruff: noqa: PLC0415 - MiniStack reads its settings when it is imported, so that is done late.
from __future__ import annotations

import json
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from rehearsal.api import iam_actions as sagemaker
from rehearsal.ministack import object_keys

_LOG_STREAM_ACTIONS = {"CreateLogStream", "PutLogEvents", "GetLogEvents", "DeleteLogStream"}
_LOG_TAG_ACTIONS = {"TagResource", "UntagResource", "ListTagsForResource"}


@dataclass(frozen=True)
class Check:
    """An action on a resource that a request asks for."""

    action: str
    resource: str
    context: dict[str, Any]


# What the request that is decided just now asks for besides, and what it was refused for.
_further: ContextVar[tuple[Check, ...]] = ContextVar("further", default=())
_refused: ContextVar[Check | None] = ContextVar("refused", default=None)


def take_further() -> tuple[Check, ...]:
    """What a request asks for besides its own action, once: to pass a role, say."""
    found = _further.get()
    _further.set(())
    return found


def refuse(check: Check) -> None:
    """Notes what the answer to the request names."""
    _refused.set(check)


def name_refusals() -> None:
    """SageMaker's refusals name the resource, and what was asked for besides where it was that:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
    """
    from ministack.core import iam_actions

    its_own = iam_actions.access_denied_response

    def response(service: str, action: str, principal_arn: str, *rest: Any, **named: Any) -> Any:
        check = _refused.get()
        _refused.set(None)
        if check is not None and service == "sagemaker" and not named.get("error_code"):
            named["message"] = iam_actions.identity_denial_message(
                check.action, principal_arn, check.resource, bool(named.get("explicit_deny"))
            )
            named["error_code"] = "AccessDeniedException"
        return its_own(service, action, principal_arn, *rest, **named)

    iam_actions.access_denied_response = response


def name_actions() -> None:
    """SageMaker's, which MiniStack has not."""
    from ministack.core import iam_actions

    iam_actions.SERVICE_TO_IAM_NAMESPACE["sagemaker"] = "sagemaker"
    its_own = iam_actions.extract_iam_action

    def action(
        service: str, method: str, path: str, headers: dict[str, str], *rest: Any
    ) -> str | None:
        if service == "sagemaker":
            return sagemaker.action(headers.get("x-amz-target", ""), path)
        found: str | None = its_own(service, method, path, headers, *rest)
        return found

    iam_actions.extract_iam_action = action


def name_resources() -> None:
    """SageMaker's; ECR's where several are asked for; log streams; alarms; keys by an alias."""
    from ministack.core import iam_actions

    its_own = iam_actions.extract_resource_arn

    def resource(  # noqa: PLR0913, PLR0917 - as MiniStack calls it
        service: str,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        query: dict[str, Any],
        region: str,
        account: str,
    ) -> str:
        target = headers.get("x-amz-target", "")
        _further.set(())
        if service == "sagemaker":
            prefix = f"arn:aws:sagemaker:{region}:{account}:"
            main = sagemaker.resource(target, path, body, lambda name: prefix + name)
            _further.set(tuple(Check(*each) for each in sagemaker.further(main, _json(body))))
            return main
        found: str = its_own(service, method, path, headers, body, query, region, account)
        if service == "ecr" and found == "*":
            return _repository(body, region, account)
        if service == "monitoring" and (alarms := _json(body).get("AlarmNames")):
            arns = [f"arn:aws:cloudwatch:{region}:{account}:alarm:{name}" for name in alarms]
            _further.set(tuple(Check("cloudwatch:DescribeAlarms", arn, {}) for arn in arns[1:]))
            return arns[0]
        if service == "kms":
            return object_keys.key_arn(found)
        if service == "logs":
            return _log_stream(target.rpartition(".")[2], body, found)
        return found

    iam_actions.extract_resource_arn = resource


def name_condition_keys() -> None:
    """`cloudwatch:namespace` of PutMetricData, `events:source` and `events:detail-type` of
    PutEvents.
    """
    from ministack.core import iam_actions

    its_own = iam_actions.request_tag_context

    def context(
        service: str, action: str, body: bytes, parameters: dict[str, Any]
    ) -> dict[str, Any]:
        found: dict[str, Any] = its_own(service, action, body, parameters)
        if action == "cloudwatch:PutMetricData":
            return found | {"cloudwatch:namespace": _namespace(body, parameters)}
        if action == "events:PutEvents":
            return found | _of_events(_json(body).get("Entries", []))
        return found

    iam_actions.request_tag_context = context


def _repository(body: bytes, region: str, account: str) -> str:
    names = _json(body).get("repositoryNames") or []
    return f"arn:aws:ecr:{region}:{account}:repository/{names[0]}" if len(names) == 1 else "*"


def _log_stream(operation: str, body: bytes, group: str) -> str:
    """AWS names the stream, which is empty for what is done with a group:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/iam-access-control-overview-cwl.html
    """
    if group == "*" or operation in _LOG_TAG_ACTIONS:
        return group
    stream = _json(body).get("logStreamName", "") if operation in _LOG_STREAM_ACTIONS else ""
    return f"{group}:log-stream:{stream}"


def _of_events(entries: list[dict[str, Any]]) -> dict[str, Any]:
    """A value that all entries share, or a list, which fits no condition on one value."""
    found: dict[str, Any] = {}
    for key, member in (("events:source", "Source"), ("events:detail-type", "DetailType")):
        values = sorted({str(entry.get(member, "")) for entry in entries})
        found[key] = values[0] if len(values) == 1 else values
    return found


def _namespace(body: bytes, parameters: dict[str, Any]) -> Any:
    """Of a request in CloudWatch's query or JSON protocol."""
    value = parameters.get("Namespace") or _json(body).get("Namespace")
    return value[0] if isinstance(value, list) else value


def _json(body: bytes) -> dict[str, Any]:
    try:
        members = json.loads(body or b"{}")
    except ValueError:
        return {}
    return members if isinstance(members, dict) else {}
