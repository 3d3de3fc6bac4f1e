"""What SageMaker needs of a role whose job or model is in a VPC.

https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html
"""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from infra.network.placement import Placement

INTERFACES = "network-interface/*"
_LOOK = (
    "ec2:DescribeDhcpOptions",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcs",
)
_CHANGE = (
    "ec2:CreateNetworkInterface",
    "ec2:CreateNetworkInterfacePermission",
    "ec2:DeleteNetworkInterface",
    "ec2:DeleteNetworkInterfacePermission",
)


def let_join_anywhere(role: iam.Role) -> None:
    """Make and remove network interfaces, as processing jobs need it: "Don't scope in the policy
    with any conditions or resource filters. Otherwise, the validation checks that occur during the
    creation of the processing job fail."
    """
    role.add_to_policy(iam.PolicyStatement(actions=[*_LOOK, *_CHANGE], resources=["*"]))


def let_models_look(role: iam.Role) -> None:
    """What SageMaker asks of a model's role besides.

    https://docs.aws.amazon.com/sagemaker/latest/dg/host-vpc.html
    """
    role.add_to_policy(iam.PolicyStatement(actions=["ec2:DescribeVpcEndpoints"], resources=["*"]))


def let_join(role: iam.Role, placement: Placement, security_group: str) -> None:
    """Make network interfaces in the subnets, with that one security group, and remove those of the
    VPC.
    """
    interfaces = _arn(role, INTERFACES)
    of_vpc = {"ArnEquals": {"ec2:Vpc": _arn(role, f"vpc/{placement.vpc}")}}
    for actions, resources, conditions in (
        # EC2 names no resource of these; the permission of an interface goes with it.
        ((*_LOOK, "ec2:DeleteNetworkInterfacePermission"), ["*"], None),
        (
            ("ec2:CreateNetworkInterface",),
            [
                interfaces,
                _arn(role, f"security-group/{security_group}"),
                *(_arn(role, f"subnet/{subnet}") for subnet in placement.subnets),
            ],
            None,
        ),
        (
            ("ec2:CreateNetworkInterfacePermission", "ec2:DeleteNetworkInterface"),
            [interfaces],
            of_vpc,
        ),
    ):
        role.add_to_policy(
            iam.PolicyStatement(
                actions=list(actions), resources=list(resources), conditions=conditions
            )
        )


def _arn(role: iam.Role, resource: str) -> str:
    kind, _, name = resource.partition("/")
    return cdk.Stack.of(role).format_arn(service="ec2", resource=kind, resource_name=name)
