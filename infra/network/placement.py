"""Where in a VPC the machines of jobs and models are, and what their roles need for that.

https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html
"""

from dataclasses import dataclass

from aws_cdk import aws_iam as iam

from infra import grants

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
_NO_RESOURCE = "EC2 names no resource of these; the permission of an interface goes with it."
_INTERFACES = (
    "EC2 names a network interface when SageMaker makes it; subnets, security group and, to remove "
    "it, the VPC are named."
)
_ANYWHERE = (
    "The network interfaces of processing jobs have no resource to name: SageMaker's validation "
    "refuses a policy that narrows them "
    "(https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html, "
    "CreateProcessingJob API)."
)


@dataclass(frozen=True, kw_only=True)
class Placement:
    """Subnets, one an availability zone, and the security group of each kind of machine.

    The values are ids and may be CDK tokens.

    Attributes:
        vpc: the VPC of all of them.
        processing: of processing jobs.
        training: of training jobs, whose hosts reach each other.
        models: of the endpoint's instances.
    """

    vpc: str
    subnets: tuple[str, ...]
    processing: str
    training: str
    models: str

    def grant_processing(self, role: iam.Role) -> None:
        """Make and remove network interfaces, as processing jobs need it: anywhere.

        "Don't scope in the policy with any conditions or resource filters. Otherwise, the
        validation checks that occur during the creation of the processing job fail."
        """
        grants.allow(role, [*_LOOK, *_CHANGE], ["*"], because=_ANYWHERE)

    def grant_training(self, role: iam.Role) -> None:
        """Make network interfaces in the subnets with that security group, and remove them."""
        self._grant(role, self.training)

    def grant_models(self, role: iam.Role) -> None:
        """The same for models, and what SageMaker asks of a model's role besides.

        https://docs.aws.amazon.com/sagemaker/latest/dg/host-vpc.html
        """
        self._grant(role, self.models)
        grants.allow(role, ["ec2:DescribeVpcEndpoints"], ["*"], because=_NO_RESOURCE)

    def _grant(self, role: iam.Role, security_group: str) -> None:
        interfaces = grants.arn_of(role, "ec2", "network-interface", "*")
        of_vpc = {"ArnEquals": {"ec2:Vpc": grants.arn_of(role, "ec2", "vpc", self.vpc)}}
        grants.allow(
            role,
            [*_LOOK, "ec2:DeleteNetworkInterfacePermission"],
            ["*"],
            because=_NO_RESOURCE,
        )
        grants.allow(
            role,
            ["ec2:CreateNetworkInterface"],
            [
                interfaces,
                grants.arn_of(role, "ec2", "security-group", security_group),
                *(grants.arn_of(role, "ec2", "subnet", subnet) for subnet in self.subnets),
            ],
            because=_INTERFACES,
        )
        grants.allow(
            role,
            ["ec2:CreateNetworkInterfacePermission", "ec2:DeleteNetworkInterface"],
            [interfaces],
            of_vpc,
            because=_INTERFACES,
        )
