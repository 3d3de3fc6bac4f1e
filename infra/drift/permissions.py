"""What the two functions may do, and no more."""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3

from infra import grants
from infra.drift.alarm import NAMESPACE
from infra.drift.props import DriftProps
from infra.promotion.source import Source
from infra.trigger.starter import RETRAINING, RETRAINING_SOURCE

RECORDS = "drift/"
COMPARISON = f"{RECORDS}comparison.json"
DATASETS = "lineage/*/dataset.json"


def let_compare(function: lambda_.Function, props: DriftProps) -> None:
    """Read captured answers and what was trained on; keep the comparison and its metrics."""
    _describe_stack(function, props.stack_name)
    source = Source.of(props.settings.promotion)
    packages = source.packages if source else _model_packages(function, props)
    grants.allow(function, ["sagemaker:DescribeModelPackage"], [packages])
    if source and function.role:
        source.let_decrypt(function.role)
    _list(function, props.captured, props.capture_prefix)
    grants.allow(
        function,
        ["s3:GetObject"],
        [
            props.captured.arn_for_objects(f"{props.capture_prefix}*"),
            (source.artifacts(function) if source else props.records).arn_for_objects(DATASETS),
        ],
    )
    grants.allow(function, ["s3:PutObject"], [props.records.arn_for_objects(COMPARISON)])
    # CloudWatch has no ARN for a namespace, hence the condition.
    function.add_to_role_policy(
        iam.PolicyStatement(
            actions=["cloudwatch:PutMetricData"],
            resources=["*"],
            conditions={"StringEquals": {"cloudwatch:namespace": NAMESPACE}},
        )
    )


def let_retrain(function: lambda_.Function, props: DriftProps) -> None:
    """Read the comparison and ask for a run."""
    _describe_stack(function, props.stack_name)
    _list(function, props.records, RECORDS)
    grants.allow(function, ["s3:GetObject"], [props.records.arn_for_objects(COMPARISON)])
    # The default bus is everybody's: only these events may be put there.
    bus = cdk.Stack.of(function).format_arn(
        service="events", resource="event-bus", resource_name="default"
    )
    function.add_to_role_policy(
        iam.PolicyStatement(
            actions=["events:PutEvents"],
            resources=[bus],
            conditions={
                "StringEquals": {
                    "events:source": RETRAINING_SOURCE,
                    "events:detail-type": RETRAINING,
                }
            },
        )
    )


def _describe_stack(function: lambda_.Function, name: str) -> None:
    stack = cdk.Stack.of(function).format_arn(
        service="cloudformation", resource="stack", resource_name=f"{name}/*"
    )
    grants.allow(function, ["cloudformation:DescribeStacks"], [stack])


def _model_packages(function: lambda_.Function, props: DriftProps) -> str:
    return cdk.Stack.of(function).format_arn(
        service="sagemaker",
        resource="model-package",
        resource_name=grants.model_packages(props.pipeline_name),
    )


def _list(function: lambda_.Function, bucket: s3.IBucket, prefix: str) -> None:
    function.add_to_role_policy(
        iam.PolicyStatement(
            actions=["s3:ListBucket"],
            resources=[bucket.bucket_arn],
            conditions={"StringLike": {"s3:prefix": [f"{prefix}*"]}},
        )
    )
