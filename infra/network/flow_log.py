"""Who spoke to whom in the VPC, kept as long as other logs."""

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.function import RETENTION
from infra.retention import kept
from infra.settings import Settings


def record_traffic(scope: Construct, vpc_id: str, settings: Settings) -> None:
    """A flow log of accepted and refused traffic: `REJECT` shows what wanted out.

    https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html
    """
    group = logs.LogGroup(
        scope,
        "Traffic",
        retention=RETENTION[settings.operations.log_days],
        removal_policy=kept(settings.data.retain),
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
