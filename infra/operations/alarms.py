"""Alarms that people are told of, each with its runbook."""

from collections.abc import Mapping

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.operations import endpoint, metrics
from infra.runbooks import described
from infra.settings import Settings
from infra.trigger.metrics import held_drops

_GREATER_OR_EQUAL = cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD


class Alarms:
    """Of one environment.

    Attributes:
        topic: that they tell.
        made: all of them, in the order in which they were made.
    """

    def __init__(self, scope: Construct, topic: sns.ITopic) -> None:
        self._scope = scope
        self._topic = topic
        self.made: list[cloudwatch.IAlarm] = []

    def of_executions(self, pipeline_name: str) -> None:
        """The reporter tells of each failed execution in words; a second message would say less."""
        self._alarm(
            "FailedExecutions",
            metrics.executions("Failed", pipeline_name),
            described(f"An execution of {pipeline_name} failed", "failed-executions"),
        )
        self.tell(
            self._alarm(
                "HeldDrops",
                held_drops(pipeline_name),
                described(
                    f"As many executions of {pipeline_name} as may began in the last 24 hours: "
                    "drops wait for ./scripts/drops --release",
                    "held-drops",
                ),
            )
        )

    def of_endpoint(self, settings: Settings, endpoint_name: str) -> None:
        for name, failure in endpoint.failures(settings, endpoint_name).items():
            self.tell(
                self._alarm(
                    name,
                    failure.metric,
                    described(failure.description, failure.runbook),
                    threshold=failure.threshold,
                    periods=failure.periods,
                )
            )

    def of_functions(self, functions: Mapping[str, lambda_.IFunction]) -> None:
        """One alarm for all: what is done about it is the same, and each alarm is billed."""
        names = ", ".join(functions)
        for construct_id, metric_name, what in (
            ("FailedFunctions", "Errors", "failed"),
            ("ThrottledFunctions", "Throttles", "was throttled"),
        ):
            self.tell(
                self._alarm(
                    construct_id,
                    metrics.of_functions(metric_name, functions),
                    described(f"A function of these {what}: {names}", "failed-functions"),
                )
            )

    def of_dead_letters(self, depths: Mapping[str, cloudwatch.Metric]) -> None:
        """Args:
        depths: messages in each queue, by what they are.
        """
        for name, depth in depths.items():
            self.tell(
                self._alarm(
                    f"Failed{name}",
                    depth,
                    described(f"{name} that failed wait in their queue", "dead-letters"),
                )
            )

    def tell(self, *alarms: cloudwatch.Alarm) -> None:
        """Lets alarms, those made elsewhere too, tell the topic."""
        for alarm in alarms:
            alarm.add_alarm_action(actions.SnsAction(self._topic))
            if alarm not in self.made:
                self.made.append(alarm)

    def _alarm(
        self,
        construct_id: str,
        metric: cloudwatch.IMetric,
        description: str,
        *,
        threshold: float = 1,
        periods: int = 1,
    ) -> cloudwatch.Alarm:
        alarm = cloudwatch.Alarm(
            self._scope,
            construct_id,
            alarm_description=description,
            metric=metric,
            threshold=threshold,
            evaluation_periods=periods,
            comparison_operator=_GREATER_OR_EQUAL,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        self.made.append(alarm)
        return alarm
