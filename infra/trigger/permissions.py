"""What the starter may do, and no more."""

from collections.abc import Mapping, Sequence

from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3

from infra.trigger.metrics import NAMESPACE

DROPS = "drops/"


def executions_of(pipeline_arn: str) -> str:
    """SageMaker names an execution when it starts it."""
    return f"{pipeline_arn}/execution/*"


def let_start(
    function: lambda_.Function, pipeline_arn: str, table: dynamodb.Table, drops: s3.IBucket
) -> None:
    """Start and look at executions, keep drops and runs, see which drops have their marker."""
    _allow(
        function,
        ["sagemaker:StartPipelineExecution", "sagemaker:ListPipelineExecutions"],
        [pipeline_arn],
    )
    _allow(
        function,
        ["sagemaker:DescribePipelineExecution", "sagemaker:ListPipelineExecutionSteps"],
        [executions_of(pipeline_arn)],
    )
    _allow(
        function, ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"], [table.table_arn]
    )
    _allow(function, ["dynamodb:Query"], [table.table_arn, f"{table.table_arn}/index/Open"])
    _allow(
        function,
        ["s3:ListBucket"],
        [drops.bucket_arn],
        {"StringLike": {"s3:prefix": [f"{DROPS}*"]}},
    )
    # CloudWatch has no ARN for a namespace, hence the condition.
    _allow(
        function,
        ["cloudwatch:PutMetricData"],
        ["*"],
        {"StringEquals": {"cloudwatch:namespace": NAMESPACE}},
    )


def _allow(
    function: lambda_.Function,
    actions: Sequence[str],
    resources: Sequence[str],
    conditions: Mapping[str, Mapping[str, object]] | None = None,
) -> None:
    function.add_to_role_policy(
        iam.PolicyStatement(
            actions=list(actions), resources=list(resources), conditions=dict(conditions or {})
        )
    )
