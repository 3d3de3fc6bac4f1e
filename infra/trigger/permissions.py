"""What the starter may do, and no more."""

from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3

from infra import grants
from infra.trigger.metrics import NAMESPACE

DROPS = "drops/"
DATASETS = "lineage/*/dataset.json"


def executions_of(pipeline_arn: str) -> str:
    """SageMaker names an execution when it starts it."""
    return f"{pipeline_arn}/execution/*"


def let_start(
    function: lambda_.Function, pipeline_arn: str, table: dynamodb.Table, drops: s3.IBucket
) -> None:
    """Start and look at executions, keep drops and runs, see which drops have their marker."""
    grants.allow(
        function,
        ["sagemaker:StartPipelineExecution", "sagemaker:ListPipelineExecutions"],
        [pipeline_arn],
    )
    grants.allow(
        function,
        ["sagemaker:DescribePipelineExecution", "sagemaker:ListPipelineExecutionSteps"],
        [executions_of(pipeline_arn)],
    )
    grants.allow(
        function, ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"], [table.table_arn]
    )
    grants.allow(function, ["dynamodb:Query"], [table.table_arn, f"{table.table_arn}/index/Open"])
    grants.allow(
        function,
        ["s3:ListBucket"],
        [drops.bucket_arn],
        {"StringLike": {"s3:prefix": [f"{DROPS}*"]}},
    )
    # CloudWatch has no ARN for a namespace, hence the condition.
    grants.allow(
        function,
        ["cloudwatch:PutMetricData"],
        ["*"],
        {"StringEquals": {"cloudwatch:namespace": NAMESPACE}},
    )


def let_read_datasets(function: lambda_.Function, artifacts: s3.IBucket) -> None:
    """See what a run used of its drops."""
    grants.allow(function, ["s3:GetObject"], [artifacts.arn_for_objects(DATASETS)])
