"""The stack that the VPC comes and goes with."""

from collections.abc import Sequence
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from infra.network.placement import Placement
from infra.network.vpc import IsolatedVpc
from infra.settings import Settings


class NetworkStack(cdk.Stack):
    """The VPC, or nothing but a parameter that says that there is none.

    It is there with and without a VPC. The stacks that use the VPC import its subnets, and
    CloudFormation deletes no export that is imported: so that one `cdk deploy` switches the VPC on
    and off, this stack goes first where there is a VPC, and last where there is none. A stack that
    is no longer in the app would never be deleted, and its endpoints be billed for ever; a part of
    a stack that always goes first could not be taken away.

    Args:
        buckets: all that jobs and models read and write.

    Attributes:
        vpc: None without `network.vpc`.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        buckets: Sequence[s3.IBucket],
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)
        self.vpc = (
            IsolatedVpc(self, "Vpc", settings=settings, buckets=buckets)
            if settings.network.vpc
            else None
        )
        # CloudFormation refuses a stack without a resource.
        ssm.StringParameter(
            self,
            "VpcParameter",
            parameter_name=f"/{settings.name}/network/vpc",
            string_value=self.vpc.vpc_id if self.vpc else "none",
            description="VPC of jobs and models",
        )

    @property
    def placement(self) -> Placement | None:
        """Where jobs and models are; None for SageMaker's own network."""
        return self.vpc.placement if self.vpc else None

    def follow(self, *users: cdk.Stack) -> None:
        """Says which stacks would use the VPC: without one, they give it up before it goes."""
        if self.vpc is None:
            for user in users:
                self.add_stack_dependency(user)
