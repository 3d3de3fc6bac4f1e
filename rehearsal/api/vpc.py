"""The VPC that a request names: its subnets and security groups must be there.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_VpcConfig.html
"""

from __future__ import annotations

from botocore.exceptions import ClientError

from rehearsal import aws
from rehearsal.api.context import Context, Record
from rehearsal.errors import validation


def check_vpc(context: Context, config: Record | None) -> None:
    """Asks EC2, as SageMaker does before it makes a network interface.

    :param config: a VpcConfig; None for none.
    :raises ApiError: ValidationException, a subnet or security group is not there, or they are of
        several VPCs.
    """
    if not config:
        return
    ec2 = aws.client(context.settings, "ec2")
    try:
        subnets = ec2.describe_subnets(SubnetIds=config["Subnets"])["Subnets"]
        groups = ec2.describe_security_groups(GroupIds=config["SecurityGroupIds"])
    except ClientError as error:
        raise validation(error.response["Error"]["Message"]) from error
    found = {subnet["VpcId"] for subnet in subnets}
    found |= {group["VpcId"] for group in groups["SecurityGroups"]}
    if len(found) != 1:
        raise validation(
            f"The subnets and security groups of VpcConfig are of {len(found)} VPCs "
            f"({', '.join(sorted(found))}): name those of one."
        )
