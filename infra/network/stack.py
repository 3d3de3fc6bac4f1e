"""The stack that the VPC comes and goes with, from which a way leads to S3 and SageMaker alone."""

from collections.abc import Sequence
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from infra.network.endpoints import Endpoints
from infra.network.placement import Placement
from infra.network.security_groups import SecurityGroups
from infra.retention import log_retention, removal_policy
from infra.settings import Settings

_RANGE = "10.0.0.0/16"


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


class IsolatedVpc(Construct):
    """Subnets in several availability zones, without internet gateway and NAT.

    SageMaker pulls images, writes logs and metrics and hands out the role's credentials from its
    own network; what goes through the VPC is what it moves from and to S3, and what the containers
    themselves call.
    https://docs.aws.amazon.com/sagemaker/latest/dg/train-vpc.html,
    https://docs.aws.amazon.com/sagemaker/latest/dg/process-vpc.html

    Attributes:
        placement: where jobs and models are.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        buckets: Sequence[s3.IBucket],
    ) -> None:
        super().__init__(scope, construct_id)
        self.vpc_id = self._vpc(settings.name)
        table = ec2.CfnRouteTable(self, "Routes", vpc_id=self.vpc_id)
        subnets = [
            self._subnet(zone, table.ref) for zone in range(settings.network.availability_zones)
        ]
        groups = SecurityGroups(self, "SecurityGroups", vpc_id=self.vpc_id)
        Endpoints(
            self,
            "Endpoints",
            settings=settings,
            vpc_id=self.vpc_id,
            route_table=table.ref,
            subnets=subnets,
            security_group=groups.endpoints,
            buckets=buckets,
        )
        _record_traffic(self, self.vpc_id, settings)
        self.placement = Placement(
            vpc=self.vpc_id,
            subnets=tuple(subnets),
            processing=groups.processing,
            training=groups.training,
            models=groups.models,
        )

    def _vpc(self, name: str) -> str:
        return ec2.CfnVPC(
            self,
            "Vpc",
            cidr_block=_RANGE,
            # The names of S3 and of the API lead to the endpoints.
            enable_dns_support=True,
            enable_dns_hostnames=True,
            tags=[cdk.CfnTag(key="Name", value=name)],
        ).ref

    def _subnet(self, zone: int, route_table: str) -> str:
        subnet = ec2.CfnSubnet(
            self,
            f"Subnet{zone + 1}",
            vpc_id=self.vpc_id,
            # 4,091 addresses; SageMaker asks for two an instance.
            cidr_block=f"10.0.{16 * zone}.0/20",
            availability_zone=cdk.Fn.select(zone, cdk.Fn.get_azs()),
            map_public_ip_on_launch=False,
        )
        ec2.CfnSubnetRouteTableAssociation(
            self, f"Subnet{zone + 1}Routes", route_table_id=route_table, subnet_id=subnet.ref
        )
        return subnet.ref


def _record_traffic(scope: Construct, vpc_id: str, settings: Settings) -> None:
    """A flow log of accepted and refused traffic: `REJECT` shows what wanted out.

    https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html
    """
    group = logs.LogGroup(
        scope,
        "Traffic",
        retention=log_retention(settings),
        removal_policy=removal_policy(settings),
    )
    role = iam.Role(
        scope,
        "TrafficRole",
        assumed_by=iam.ServicePrincipal(
            "vpc-flow-logs.amazonaws.com",
            conditions={"StringEquals": {"aws:SourceAccount": cdk.Stack.of(scope).account}},
        ),
        description="Writes the flow log of the VPC",
    )
    role.add_to_policy(
        iam.PolicyStatement(
            actions=["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
            resources=[group.log_group_arn],
        )
    )
    ec2.CfnFlowLog(
        scope,
        "FlowLog",
        resource_id=vpc_id,
        resource_type="VPC",
        traffic_type="ALL",
        log_destination_type="cloud-watch-logs",
        log_group_name=group.log_group_name,
        deliver_logs_permission_arn=role.role_arn,
        max_aggregation_interval=600,
    ).node.add_dependency(role)
