"""From the marker in S3, or from drift, to StartPipelineExecution."""

from functools import partial
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra import grants, names
from infra.function import dead_letter_queue, event_rule, python_function, retried
from infra.retention import protected_table
from infra.settings import Settings

_SCHEDULE = cdk.Duration.minutes(15)
"""How often the starter looks without an event, and so puts metrics at least."""


def waiting_drops(pipeline_name: str) -> cloudwatch.Metric:
    """Drops that have no run yet."""
    return _metric("WaitingDrops", pipeline_name)


def held_drops(pipeline_name: str) -> cloudwatch.Metric:
    """Those of them that wait for a person, as `trigger.executions_per_day` is reached."""
    return _metric("HeldDrops", pipeline_name)


class TriggerStack(cdk.Stack):
    """The starter, and the queue of what failed.

    Attributes:
        starter: the function, its table and its rules.
        dead_letters: events that could not be delivered or that the starter failed on.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        drops: s3.IBucket,
        artifacts: s3.IBucket,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)
        self.dead_letters = dead_letter_queue(self, "DeadLetters", settings)
        self.starter = Starter(
            self,
            "Starter",
            settings=settings,
            drops=drops,
            artifacts=artifacts,
            dead_letters=self.dead_letters,
        )
        cdk.CfnOutput(
            self,
            names.DROPS_TABLE_NAME,
            value=self.starter.table.table_name,
            description="Table of drops and runs",
        )
        cdk.CfnOutput(
            self,
            names.STARTER_FUNCTION_NAME,
            value=self.starter.function.function_name,
            description="Function that starts executions for drops and for drift",
        )


class Starter(Construct):
    """Gives each complete drop, and each request of drift, an execution of the pipeline.

    Attributes:
        function: records what it hears of, and starts executions as the guards let it.
        table: drops, runs and releases.
    """

    def __init__(  # noqa: PLR0913 - CDK props
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        drops: s3.IBucket,
        artifacts: s3.IBucket,
        dead_letters: sqs.IQueue,
    ) -> None:
        super().__init__(scope, construct_id)
        self.table = self._table(settings)
        self.function = python_function(
            self,
            "Function",
            handler="functions.starter.handler.handler",
            description="Starts pipeline executions for complete drops and for drift",
            settings=settings,
            environment={
                "PIPELINE_NAME": settings.name,
                "TABLE_NAME": self.table.table_name,
                "DROPS_BUCKET": drops.bucket_name,
                "ARTIFACTS_BUCKET": artifacts.bucket_name,
                "NAMESPACE": names.NAMESPACE,
                "CONCURRENT_EXECUTIONS": str(settings.trigger.concurrent_executions),
                "EXECUTIONS_PER_DAY": str(settings.trigger.executions_per_day),
            },
            dead_letter_queue=dead_letters,
            # A thousand drops of one run are a thousand writes.
            timeout=cdk.Duration.minutes(5),
        )
        self._grant_executions(settings.name)
        self._grant_table()
        self._grant_objects_and_metrics(drops, artifacts)
        self._add_rules(drops.bucket_name, settings.name, dead_letters)

    def _table(self, settings: Settings) -> dynamodb.Table:
        """Drops and runs, a few hundred bytes each; the index has those that are not over."""
        text = dynamodb.AttributeType.STRING
        table = protected_table(
            self,
            "Drops",
            settings,
            partition_key=dynamodb.Attribute(name="Kind", type=text),
            sort_key=dynamodb.Attribute(name="Id", type=text),
        )
        # A local index alone can be read consistently.
        table.add_local_secondary_index(
            index_name="Open", sort_key=dynamodb.Attribute(name="Open", type=text)
        )
        return table

    def _grant_executions(self, pipeline: str) -> None:
        grants.allow(
            self.function,
            ["sagemaker:StartPipelineExecution", "sagemaker:ListPipelineExecutions"],
            [grants.pipeline_arn(self, pipeline)],
        )
        grants.use_executions(
            self.function,
            pipeline,
            ["sagemaker:DescribePipelineExecution", "sagemaker:ListPipelineExecutionSteps"],
        )

    def _grant_table(self) -> None:
        arn = self.table.table_arn
        items = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"]
        grants.allow(self.function, items, [arn])
        grants.allow(self.function, ["dynamodb:Query"], [arn, f"{arn}/index/Open"])

    def _grant_objects_and_metrics(self, drops: s3.IBucket, artifacts: s3.IBucket) -> None:
        grants.list_objects(self.function, drops, names.DROPS)
        grants.put_metrics(self.function, names.NAMESPACE)
        # What a run used of its drops.
        grants.get_object(self.function, artifacts, names.DATASETS)

    def _add_rules(self, bucket: str, pipeline: str, dead_letters: sqs.IQueue) -> None:
        rule = partial(event_rule, self, self.function, dead_letters)
        # Two conditions in the list of keys would mean either, not both.
        marker = {"key": [{"wildcard": f"{names.DROPS}*/{names.MARKER}"}]}
        rule(
            "DropIsComplete",
            "A drop's marker was written",
            source="aws.s3",
            detail_type=names.OBJECT_CREATED,
            detail={"bucket": {"name": [bucket]}, "object": marker},
        )
        rule(
            "ExecutionChanged",
            "An execution of the pipeline began, ended or goes on again",
            source="aws.sagemaker",
            detail_type=names.EXECUTION_CHANGED,
            detail={"pipelineArn": [grants.pipeline_arn(self, pipeline)]},
        )
        rule(
            "RetrainingRequested",
            "The answers of a model package have drifted",
            source=names.RETRAINING_SOURCE,
            detail_type=names.RETRAINING_REQUESTED,
            detail={"PipelineName": [pipeline]},
        )
        events.Rule(
            self,
            "Schedule",
            description="What no event has told of",
            schedule=events.Schedule.rate(_SCHEDULE),
            targets=[retried(self.function, dead_letters)],
        )


def _metric(name: str, pipeline_name: str) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace=names.NAMESPACE,
        metric_name=name,
        dimensions_map={"PipelineName": pipeline_name},
        statistic=cloudwatch.Stats.MAXIMUM,
        period=_SCHEDULE,
        label=name,
    )
