"""The VPC that a request names: its subnets and security groups must be there, and the role must be
allowed to make network interfaces.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_VpcConfig.html
https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html
"""

from collections.abc import Iterator, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from rehearsal import aws
from rehearsal.aws import Permission
from rehearsal.errors import validation
from rehearsal.resources.context import Context, Record

# "Don't scope in the policy with any conditions or resource filters. Otherwise, the validation
# checks that occur during the creation of the processing job fail."
PROCESSING_PERMISSIONS = [
    Permission(f"ec2:{action}", "*", is_unscoped=True)
    for action in (
        "CreateNetworkInterface",
        "CreateNetworkInterfacePermission",
        "DeleteNetworkInterface",
        "DeleteNetworkInterfacePermission",
        "DescribeDhcpOptions",
        "DescribeNetworkInterfaces",
        "DescribeSecurityGroups",
        "DescribeSubnets",
        "DescribeVpcs",
    )
]
# https://docs.aws.amazon.com/sagemaker/latest/dg/host-vpc.html
MODEL_PERMISSIONS = [Permission("ec2:DescribeVpcEndpoints", "*")]


def check_vpc(
    context: Context, config: Record | None, role_arn: str, more: Sequence[Permission] = ()
) -> None:
    """Makes a network interface in each subnet and takes it away, as the role: nothing would go
    through it.

    Args:
        config: a VpcConfig; None for none.
        more: permissions that the role needs besides.

    Raises:
        ApiError: ValidationException, a subnet or security group is not there, they are of several
            VPCs, or the role may not do it.
    """
    if not config:
        return
    role = aws.Role(context.settings, role_arn, "SageMaker")
    for permission in (*_check_interfaces(role, config), *more):
        if not context.allows(role.credentials, permission):
            how = " with no condition and no resource filter" if permission.is_unscoped else ""
            raise validation(
                f"VpcConfig can't be used as the role {role.arn}: it is not authorized to perform: "
                f"{permission.action} on resource: {permission.resource}. SageMaker asks for it"
                f"{how}."
            )


def _check_interfaces(role: aws.Role, config: Record) -> list[Permission]:
    """Does what can be done; returns what the role must be asked for besides."""
    groups = config["SecurityGroupIds"]
    try:
        ec2 = role.client("ec2")
        vpc = _vpc_id(ec2, config)
        made = [(each, _check_interface(ec2, each, groups)) for each in config["Subnets"]]
    except (ClientError, BotoCoreError) as error:
        reason = (
            error.response["Error"]["Message"] if isinstance(error, ClientError) else str(error)
        )
        raise validation(f"VpcConfig can't be used as the role {role.arn}: {reason}") from error
    arn = role.arn.partition(":role/")[0].replace(":iam::", f":ec2:{ec2.meta.region_name}:") + ":"
    return [
        permission
        for subnet, interface in made
        for permission in _permissions(arn, vpc, subnet, groups, interface)
    ]


def _permissions(
    arn: str, vpc: str, subnet: str, groups: list[str], interface: str
) -> Iterator[Permission]:
    """What EC2 asks for an interface besides the subnet:
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
    """
    of_vpc = {"ec2:Vpc": f"{arn}vpc/{vpc}"}
    of_subnet = of_vpc | {"ec2:Subnet": f"{arn}subnet/{subnet}"}
    yield Permission("ec2:CreateNetworkInterface", f"{arn}network-interface/*", of_subnet)
    for group in groups:
        yield Permission("ec2:CreateNetworkInterface", f"{arn}security-group/{group}", of_vpc)
    permission = of_subnet | {
        "ec2:AuthorizedService": "sagemaker.amazonaws.com",
        "ec2:Permission": "INSTANCE-ATTACH",
    }
    one = f"{arn}network-interface/{interface}"
    yield Permission("ec2:CreateNetworkInterfacePermission", one, permission)
    yield Permission("ec2:DeleteNetworkInterfacePermission", "*")


def _vpc_id(ec2: Any, config: Record) -> str:
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
    return str(found.pop())


def _check_interface(ec2: Any, subnet: str, groups: list[str]) -> str:
    made = ec2.create_network_interface(SubnetId=subnet, Groups=groups)["NetworkInterface"]
    interface = str(made["NetworkInterfaceId"])
    ec2.describe_network_interfaces(NetworkInterfaceIds=[interface])
    ec2.delete_network_interface(NetworkInterfaceId=interface)
    return interface
