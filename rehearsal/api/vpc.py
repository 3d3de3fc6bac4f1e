"""The VPC that a request names: its subnets and security groups must be there, and the role must be
allowed to make network interfaces.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_VpcConfig.html
"""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from rehearsal import aws
from rehearsal.api.context import Context, Record
from rehearsal.errors import validation


def check_vpc(context: Context, config: Record | None, role_arn: str) -> None:
    """Makes a network interface in each subnet and takes it away, as the role: nothing would go
    through it.

    :param config: a VpcConfig; None for none.
    :raises ApiError: ValidationException, a subnet or security group is not there, they are of
        several VPCs, or the role may not do it.
    """
    if not config:
        return
    try:
        credentials = aws.assume(context.settings, role_arn, "SageMaker")
        ec2 = aws.client(context.settings, "ec2", credentials)
        _check_one_vpc(ec2, config)
        for subnet in config["Subnets"]:
            _try_interface(ec2, subnet, config["SecurityGroupIds"])
    except ClientError as error:
        raise validation(error.response["Error"]["Message"]) from error


def _check_one_vpc(ec2: Any, config: Record) -> None:
    subnets = ec2.describe_subnets(SubnetIds=config["Subnets"])["Subnets"]
    groups = ec2.describe_security_groups(GroupIds=config["SecurityGroupIds"])["SecurityGroups"]
    found = {each["VpcId"] for each in (*subnets, *groups)}
    if len(found) != 1:
        raise validation(
            f"The subnets and security groups of VpcConfig are of {len(found)} VPCs "
            f"({', '.join(sorted(found))}): name those of one."
        )
    (options,) = {vpc["DhcpOptionsId"] for vpc in ec2.describe_vpcs(VpcIds=[*found])["Vpcs"]}
    ec2.describe_dhcp_options(DhcpOptionsIds=[options])


def _try_interface(ec2: Any, subnet: str, groups: list[str]) -> None:
    made = ec2.create_network_interface(SubnetId=subnet, Groups=groups)["NetworkInterface"]
    interface = made["NetworkInterfaceId"]
    ec2.describe_network_interfaces(NetworkInterfaceIds=[interface])
    ec2.delete_network_interface(NetworkInterfaceId=interface)
