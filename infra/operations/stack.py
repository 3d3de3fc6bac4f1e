"""Topic, alarms, the rule for failed executions, and the dashboard."""

from collections.abc import Mapping
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.drift import Drift, DriftProps
from infra.operations import metrics
from infra.operations.dashboard import dashboard
from infra.operations.topic import encrypted_topic
from infra.serving.variants import VARIANT
from infra.settings import Settings


class OperationsStack(cdk.Stack):
    """What watches the other stacks.

    :param dead_letters: the queues of failed events, by what they hold.
    :param drift: what the comparison of answered with trained classes gets, if there is one.
    :ivar drift: that comparison, or None. It is of this stack as nothing else refers to it, so that
        a setting can take it away.
    """

    def __init__(  # noqa: PLR0913 - CDK props
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        pipeline_name: str,
        pipeline_arn: str,
        endpoint_name: str,
        dead_letters: Mapping[str, sqs.IQueue],
        drift: DriftProps | None,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)
        self._topic = encrypted_topic(self, "Notifications", retain_key=settings.data.retain)
        self.drift = Drift(self, "Drift", props=drift) if drift else None
        watched = (
            {**dead_letters, "Comparisons": self.drift.dead_letters} if self.drift else dead_letters
        )
        depths = {
            name: queue.metric_approximate_number_of_messages_visible(
                period=metrics.PERIOD, label=name
            )
            for name, queue in watched.items()
        }
        alarms = [
            *self._own_alarms(pipeline_name, endpoint_name, depths),
            *([self._tell(self.drift.alarm)] if self.drift else []),
        ]
        self._tell_of_failed_executions(pipeline_arn)
        dashboard(
            self,
            "Dashboard",
            name=settings.name,
            pipeline_name=pipeline_name,
            endpoint_name=endpoint_name,
            variant=VARIANT,
            alarms=alarms,
            queues=list(depths.values()),
            drift=self.drift.metric if self.drift else None,
        )
        if self.drift:
            cdk.CfnOutput(
                self,
                "ComparisonFunctionName",
                value=self.drift.comparison.function.function_name,
                description="Function that compares the answered classes with those of training",
            )
        cdk.CfnOutput(
            self,
            "TopicArn",
            value=self._topic.topic_arn,
            description="Topic of alarms and failed executions; subscribe to it",
        )

    def _own_alarms(
        self, pipeline_name: str, endpoint_name: str, depths: Mapping[str, cloudwatch.Metric]
    ) -> list[cloudwatch.Alarm]:
        return [
            self._alarm(
                "FailedExecutions",
                metrics.executions("Failed", pipeline_name),
                f"An execution of {pipeline_name} failed",
            ),
            self._alarm(
                "EndpointErrors",
                metrics.endpoint("Invocation5XXErrors", endpoint_name, VARIANT),
                f"The endpoint {endpoint_name} answered with a server error",
            ),
            *(
                self._alarm(f"Failed{name}", depth, f"{name} that failed wait in their queue")
                for name, depth in depths.items()
            ),
        ]

    def _alarm(
        self, construct_id: str, metric: cloudwatch.Metric, description: str
    ) -> cloudwatch.Alarm:
        alarm = cloudwatch.Alarm(
            self,
            construct_id,
            alarm_description=description,
            metric=metric,
            threshold=1,
            evaluation_periods=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        return self._tell(alarm)

    def _tell(self, alarm: cloudwatch.Alarm) -> cloudwatch.Alarm:
        alarm.add_alarm_action(actions.SnsAction(self._topic))
        return alarm

    def _tell_of_failed_executions(self, pipeline_arn: str) -> None:
        events.Rule(
            self,
            "ExecutionFailed",
            description="An execution of the pipeline failed",
            event_pattern=events.EventPattern(
                source=["aws.sagemaker"],
                detail_type=["SageMaker Model Building Pipeline Execution Status Change"],
                detail={
                    "pipelineArn": [pipeline_arn],
                    "currentPipelineExecutionStatus": ["Failed"],
                },
            ),
            targets=[targets.SnsTopic(self._topic)],
        )
