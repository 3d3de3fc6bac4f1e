"""What the reporter may do, and no more."""

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns

from infra import grants
from infra.drift.permissions import DATASETS
from infra.operations.reports.props import ReporterProps
from infra.trigger.permissions import executions_of

NOTES = "reports/*"
EVALUATIONS = "executions/*/evaluation/evaluation.json"
LOG_GROUPS = ("/aws/sagemaker/ProcessingJobs", "/aws/sagemaker/TrainingJobs")


def let_report(function: lambda_.Function, topic: sns.ITopic, props: ReporterProps) -> None:
    """Look at executions, jobs, packages and stack events; keep notes, put metrics, publish."""
    _look_at_executions(function, props)
    grants.allow(
        function,
        ["logs:DescribeLogStreams"],
        [_log_group(function, name) for name in LOG_GROUPS],
    )
    stack = _arn(function, "cloudformation", "stack", f"{props.serving_stack}/*")
    grants.allow(function, ["cloudformation:DescribeStackEvents"], [stack])
    _read_and_note(function, props)
    # CloudWatch has no ARN for a namespace, hence the condition.
    grants.allow(
        function,
        ["cloudwatch:PutMetricData"],
        ["*"],
        {"StringEquals": {"cloudwatch:namespace": props.namespace}},
    )
    grants.allow(function, ["sns:Publish"], [topic.topic_arn])
    if topic.master_key is not None:
        grants.allow(function, ["kms:Decrypt", "kms:GenerateDataKey"], [topic.master_key.key_arn])


def _look_at_executions(function: lambda_.Function, props: ReporterProps) -> None:
    grants.allow(
        function,
        [
            "sagemaker:DescribePipelineExecution",
            "sagemaker:ListPipelineExecutionSteps",
            "sagemaker:ListPipelineParametersForExecution",
        ],
        [executions_of(props.pipeline_arn)],
    )
    # Lists of jobs have no resource to name.
    grants.allow(function, ["sagemaker:ListProcessingJobs", "sagemaker:ListTrainingJobs"], ["*"])
    for action, resource, name in (
        ("DescribeProcessingJob", "processing-job", "pipelines-*"),
        ("DescribeTrainingJob", "training-job", "pipelines-*"),
        ("DescribeModelPackage", "model-package", grants.model_packages(props.pipeline_name)),
    ):
        grants.allow(
            function, [f"sagemaker:{action}"], [_arn(function, "sagemaker", resource, name)]
        )


def _read_and_note(function: lambda_.Function, props: ReporterProps) -> None:
    # Listing tells what is not there from what may not be read.
    for bucket, pattern, prefix in (
        (props.artifacts, DATASETS, "lineage/*"),
        (props.working, EVALUATIONS, "executions/*"),
        (props.artifacts, NOTES, NOTES),
    ):
        _list(function, bucket, prefix)
        grants.allow(function, ["s3:GetObject"], [bucket.arn_for_objects(pattern)])
    grants.allow(function, ["s3:PutObject"], [props.artifacts.arn_for_objects(NOTES)])


def _list(function: lambda_.Function, bucket: s3.IBucket, pattern: str) -> None:
    condition = {"StringLike": {"s3:prefix": [pattern]}}
    grants.allow(function, ["s3:ListBucket"], [bucket.bucket_arn], condition)


def _log_group(function: lambda_.Function, name: str) -> str:
    arn = cdk.Stack.of(function).format_arn(
        service="logs",
        resource="log-group",
        resource_name=name,
        arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
    )
    return f"{arn}:*"


def _arn(function: lambda_.Function, service: str, resource: str, name: str) -> str:
    return cdk.Stack.of(function).format_arn(service=service, resource=resource, resource_name=name)
