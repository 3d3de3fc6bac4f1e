"""What a request is in the words of IAM - its action, resource and condition keys - where MiniStack
does not know it, as the Service Authorization Reference has it:
https://docs.aws.amazon.com/service-authorization/latest/reference/
"""

# ruff: noqa: PLC0415 - MiniStack reads its settings when it is imported, so that is done late.
from __future__ import annotations

import json
from typing import Any

from rehearsal.api import authorization as sagemaker

_LOG_STREAM_ACTIONS = {"CreateLogStream", "PutLogEvents", "GetLogEvents", "DeleteLogStream"}
_LOG_TAG_ACTIONS = {"TagResource", "UntagResource", "ListTagsForResource"}


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
    """SageMaker's; ECR's where several are asked for; log streams; alarms."""
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
        if service == "sagemaker":
            prefix = f"arn:aws:sagemaker:{region}:{account}:"
            return sagemaker.resource(target, path, body, lambda name: prefix + name)
        found: str = its_own(service, method, path, headers, body, query, region, account)
        if service == "ecr" and found == "*":
            return _repository(body, region, account)
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
