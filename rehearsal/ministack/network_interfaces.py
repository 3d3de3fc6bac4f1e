"""In which VPC a network interface is, for IAM's conditions."""

# ruff: noqa: PLC0415 - MiniStack reads its settings when it is imported, so that is done late.
from __future__ import annotations

from typing import Any

_CREATE = "ec2:CreateNetworkInterface"
_DELETE = "ec2:DeleteNetworkInterface"


def name_vpc() -> None:
    """`ec2:Vpc` of CreateNetworkInterface and DeleteNetworkInterface."""
    from ministack.core import iam_actions
    from ministack.core.responses import get_account_id, get_region
    from ministack.services import ec2

    its_own = iam_actions.request_tag_context

    def context(
        service: str, action: str, body: bytes, parameters: dict[str, Any]
    ) -> dict[str, Any]:
        found: dict[str, Any] = its_own(service, action, body, parameters)
        if action == _CREATE:
            place = ec2._subnets.get(_value(parameters, "SubnetId"))
        elif action == _DELETE:
            place = ec2._network_interfaces.get(_value(parameters, "NetworkInterfaceId"))
        else:
            return found
        vpc = (place or {}).get("VpcId")
        if vpc is None:
            return found
        return found | {"ec2:Vpc": f"arn:aws:ec2:{get_region()}:{get_account_id()}:vpc/{vpc}"}

    iam_actions.request_tag_context = context


def _value(parameters: dict[str, Any], name: str) -> Any:
    value = parameters.get(name)
    return value[0] if isinstance(value, list) else value
