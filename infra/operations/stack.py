"""Topic, alarms, the events that people are told of, and the dashboard."""

from collections.abc import Mapping
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.drift import Drift, DriftProps
from infra.operations import endpoint, metrics
from infra.operations.budget import monthly_budget
from infra.operations.dashboard import dashboard
from infra.operations.job_logs import JobLogs
from infra.operations.notifications import (
    tell_of_failed_executions,
    tell_of_models_taken_back,
)
from infra.operations.topic import encrypted_topic
from infra.settings import Settings
from infra.trigger.metrics import held_drops


class OperationsStack(cdk.Stack):
    """What watches the other stacks.

    :param serving_stack: name of the stack that makes the endpoint.
    :param dead_letters: the queues of failed events, by what they hold.
    :param drift: what the comparison of answered with trained classes gets, if there is one.
    :ivar job_logs: says how long logs of jobs are kept, or None.
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
        serving_stack: str,
        dead_letters: Mapping[str, sqs.IQueue],
        drift: DriftProps | None,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)
        operations = settings.operations
        self._topic = encrypted_topic(
            self,
            "Notifications",
            retain_key=settings.data.retain,
            budgets=operations.monthly_budget_usd is not None,
        )
        if operations.monthly_budget_usd is not None:
            monthly_budget(
                self,
                "Budget",
                settings=settings,
                usd=operations.monthly_budget_usd,
                topic=self._topic,
            )
        self.job_logs = (
            JobLogs(self, "JobLogs", settings=settings, days=operations.job_log_days)
            if operations.job_log_days is not None
            else None
        )
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
            *self._own_alarms(settings, pipeline_name, endpoint_name, depths),
            *([self._tell(self.drift.alarm)] if self.drift else []),
        ]
        tell_of_failed_executions(self, self._topic, pipeline_arn)
        tell_of_models_taken_back(self, self._topic, serving_stack)
        dashboard(
            self,
            "Dashboard",
            name=settings.name,
            pipeline_name=pipeline_name,
            endpoint=endpoint.graphs(settings, endpoint_name),
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
            description="Topic of alarms, failed executions and models taken back; subscribe to it",
        )

    def _own_alarms(
        self,
        settings: Settings,
        pipeline_name: str,
        endpoint_name: str,
        depths: Mapping[str, cloudwatch.Metric],
    ) -> list[cloudwatch.Alarm]:
        return [
            self._alarm(
                "FailedExecutions",
                metrics.executions("Failed", pipeline_name),
                f"An execution of {pipeline_name} failed",
            ),
            self._alarm(
                "HeldDrops",
                held_drops(pipeline_name),
                f"As many executions of {pipeline_name} as may began in the last 24 hours: drops "
                "wait for ./scripts/drops --release",
            ),
            *(
                self._alarm(name, metric, description)
                for name, (metric, description) in endpoint.failures(
                    settings, endpoint_name
                ).items()
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
