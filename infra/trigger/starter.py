"""The function that starts executions, its table, and the events that it hears."""

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.function import python_function
from infra.retention import kept
from infra.settings import Settings
from infra.trigger import permissions
from infra.trigger.metrics import NAMESPACE, SCHEDULE

RETRAINING_SOURCE = "shardwise.drift"
RETRAINING = "Retraining Requested"
"""The event by which drift asks for a run: `detail` has `Id` and `PipelineName`."""
_CHANGED = "SageMaker Model Building Pipeline Execution Status Change"
_ATTEMPTS = 24


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
        pipeline_name: str,
        pipeline_arn: str,
        dead_letters: sqs.IQueue,
    ) -> None:
        super().__init__(scope, construct_id)
        self._dead_letters = dead_letters
        self.table = self._table(settings)
        self.function = python_function(
            self,
            "Function",
            handler="functions.starter.handler.handler",
            description="Starts pipeline executions for complete drops and for drift",
            settings=settings,
            environment={
                "PIPELINE_NAME": pipeline_name,
                "TABLE_NAME": self.table.table_name,
                "DROPS_BUCKET": drops.bucket_name,
                "ARTIFACTS_BUCKET": artifacts.bucket_name,
                "NAMESPACE": NAMESPACE,
                "CONCURRENT_EXECUTIONS": str(settings.trigger.concurrent_executions),
                "EXECUTIONS_PER_DAY": str(settings.trigger.executions_per_day),
            },
            dead_letter_queue=dead_letters,
            # A thousand drops of one run are a thousand writes.
            timeout=cdk.Duration.minutes(5),
        )
        permissions.let_start(self.function, pipeline_arn, self.table, drops)
        permissions.let_read_datasets(self.function, artifacts)
        self._hear(drops.bucket_name, pipeline_name, pipeline_arn)

    def _table(self, settings: Settings) -> dynamodb.Table:
        """Drops and runs, a few hundred bytes each; the index has those that are not over."""
        retain = settings.data.retain
        text = dynamodb.AttributeType.STRING
        table = dynamodb.Table(
            self,
            "Drops",
            partition_key=dynamodb.Attribute(name="Kind", type=text),
            sort_key=dynamodb.Attribute(name="Id", type=text),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            encryption=dynamodb.TableEncryption.AWS_MANAGED,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            deletion_protection=retain,
            removal_policy=kept(retain, resists=True),
        )
        # A local index alone can be read consistently.
        table.add_local_secondary_index(
            index_name="Open", sort_key=dynamodb.Attribute(name="Open", type=text)
        )
        return table

    def _hear(self, bucket: str, pipeline_name: str, pipeline_arn: str) -> None:
        self._rule(
            "DropIsComplete",
            "A drop's marker was written",
            events.EventPattern(
                source=["aws.s3"],
                detail_type=["Object Created"],
                detail={
                    "bucket": {"name": [bucket]},
                    # Two conditions in this list would mean either, not both.
                    "object": {"key": [{"wildcard": "drops/*/_SUCCESS"}]},
                },
            ),
        )
        self._rule(
            "ExecutionChanged",
            "An execution of the pipeline began, ended or goes on again",
            events.EventPattern(
                source=["aws.sagemaker"],
                detail_type=[_CHANGED],
                detail={"pipelineArn": [pipeline_arn]},
            ),
        )
        self._rule(
            "RetrainingRequested",
            "The answers of a model package have drifted",
            events.EventPattern(
                source=[RETRAINING_SOURCE],
                detail_type=[RETRAINING],
                detail={"PipelineName": [pipeline_name]},
            ),
        )
        self._rule("Schedule", "What no event has told of", schedule=SCHEDULE)

    def _rule(
        self,
        construct_id: str,
        description: str,
        pattern: events.EventPattern | None = None,
        schedule: cdk.Duration | None = None,
    ) -> None:
        events.Rule(
            self,
            construct_id,
            description=description,
            event_pattern=pattern,
            schedule=events.Schedule.rate(schedule) if schedule else None,
            targets=[
                targets.LambdaFunction(
                    self.function, dead_letter_queue=self._dead_letters, retry_attempts=_ATTEMPTS
                )
            ],
        )
