"""What a request is in the words of IAM - its action, resource and condition keys - where MiniStack
does not know it, as the Service Authorization Reference has it:
https://docs.aws.amazon.com/service-authorization/latest/reference/
"""

import json
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from ministack.core import iam_actions
from ministack.core.responses import get_account_id, get_region
from ministack.services import ec2

from rehearsal.api import iam_actions as sagemaker
from rehearsal.ministack.objects import key_arn

Context = dict[str, Any]
"""Condition keys and their values."""

_LOG_STREAM_ACTIONS = {"CreateLogStream", "PutLogEvents", "GetLogEvents", "DeleteLogStream"}
_LOG_TAG_ACTIONS = {"TagResource", "UntagResource", "ListTagsForResource"}


@dataclass(frozen=True)
class Check:
    """An action on a resource, with its condition keys, that a request must be allowed to do."""

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


def access_denied_response(
    old: Callable[..., Any],
    service: str,
    action: str,
    principal_arn: str,
    *rest: Any,
    **named: Any,
) -> Any:
    """SageMaker's refusals name the resource, and what was asked for besides where it was that:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
    """
    check = _refused.get()
    _refused.set(None)
    if check is not None and service == "sagemaker" and not named.get("error_code"):
        named["message"] = iam_actions.identity_denial_message(
            check.action, principal_arn, check.resource, bool(named.get("explicit_deny"))
        )
        named["error_code"] = "AccessDeniedException"
    return old(service, action, principal_arn, *rest, **named)


def extract_iam_action(
    old: Callable[..., str | None],
    service: str,
    method: str,
    path: str,
    headers: dict[str, str],
    *rest: Any,
) -> str | None:
    """SageMaker's actions, which MiniStack has not."""
    if service == "sagemaker":
        return sagemaker.action(headers.get("x-amz-target", ""), path)
    return old(service, method, path, headers, *rest)


def extract_resource_arn(
    old: Callable[..., str],
    service: str,
    method: str,
    path: str,
    headers: dict[str, str],
    body: bytes,
    query: dict[str, Any],
    region: str,
    account: str,
) -> str:
    """SageMaker's; ECR's where several are asked for; log streams; alarms; keys by an alias."""
    target = headers.get("x-amz-target", "")
    _further.set(())
    if service == "sagemaker":
        prefix = f"arn:aws:sagemaker:{region}:{account}:"
        main = sagemaker.resource(target, path, body, lambda name: prefix + name)
        _further.set(tuple(Check(*each) for each in sagemaker.further(main, _json(body))))
        return main
    found = old(service, method, path, headers, body, query, region, account)
    if service == "ecr" and found == "*":
        return _repository(body, region, account)
    if service == "monitoring" and (alarms := _json(body).get("AlarmNames")):
        arns = [f"arn:aws:cloudwatch:{region}:{account}:alarm:{name}" for name in alarms]
        _further.set(tuple(Check("cloudwatch:DescribeAlarms", arn, {}) for arn in arns[1:]))
        return arns[0]
    if service == "kms":
        return key_arn(found)
    if service == "logs":
        return _log_stream(target.rpartition(".")[2], body, found)
    return found


def request_context(
    old: Callable[..., Context], service: str, action: str, body: bytes, parameters: dict[str, Any]
) -> Context:
    """`cloudwatch:namespace` of PutMetricData, `events:source` and `events:detail-type` of
    PutEvents, `ec2:Vpc` of CreateNetworkInterface and DeleteNetworkInterface.
    """
    found = old(service, action, body, parameters)
    if action == "cloudwatch:PutMetricData":
        # In CloudWatch's query or JSON protocol.
        namespace = _one(parameters.get("Namespace") or _json(body).get("Namespace"))
        return found | {"cloudwatch:namespace": namespace}
    if action == "events:PutEvents":
        return found | _events_context(_json(body).get("Entries", []))
    if action == "ec2:CreateNetworkInterface":
        return found | _vpc_context(ec2._subnets.get(_one(parameters.get("SubnetId"))))
    if action == "ec2:DeleteNetworkInterface":
        interface = _one(parameters.get("NetworkInterfaceId"))
        return found | _vpc_context(ec2._network_interfaces.get(interface))
    return found


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


def _events_context(entries: list[dict[str, Any]]) -> dict[str, Any]:
    """A value that all entries share, or a list, which fits no condition on one value."""
    found: dict[str, Any] = {}
    for key, member in (("events:source", "Source"), ("events:detail-type", "DetailType")):
        values = sorted({str(entry.get(member, "")) for entry in entries})
        found[key] = values[0] if len(values) == 1 else values
    return found


def _vpc_context(place: dict[str, Any] | None) -> Context:
    """In which VPC a subnet or network interface is."""
    vpc = (place or {}).get("VpcId")
    if vpc is None:
        return {}
    return {"ec2:Vpc": f"arn:aws:ec2:{get_region()}:{get_account_id()}:vpc/{vpc}"}


def _one(value: Any) -> Any:
    """The query protocol's parameters are lists."""
    return value[0] if isinstance(value, list) else value


def _json(body: bytes) -> dict[str, Any]:
    try:
        members = json.loads(body or b"{}")
    except ValueError:
        return {}
    return members if isinstance(members, dict) else {}
