"""Alarms that people are told of, each with its runbook."""

from collections.abc import Mapping

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.names import with_runbook
from infra.operations import metrics
from infra.settings import Settings
from infra.trigger import held_drops

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
            with_runbook(f"An execution of {pipeline_name} failed", "failed-executions"),
        )
        self.tell(
            self._alarm(
                "HeldDrops",
                held_drops(pipeline_name),
                with_runbook(
                    f"As many executions of {pipeline_name} as may began in the last 24 hours: "
                    "drops wait for ./scripts/drops --release",
                    "held-drops",
                ),
            )
        )

    def of_endpoint(self, settings: Settings, endpoint_name: str) -> None:
        """Of the endpoint's failures, by its mode."""
        for name, failure in metrics.endpoint_failures(settings, endpoint_name).items():
            self.tell(
                self._alarm(
                    name,
                    failure.metric,
                    with_runbook(failure.description, failure.runbook),
                    threshold=failure.threshold,
                    periods=failure.periods,
                )
            )

    def of_functions(self, functions: Mapping[str, lambda_.IFunction]) -> None:
        """One alarm for all: what is done about it is the same, and each alarm is billed."""
        self._of_functions("FailedFunctions", "Errors", "failed", functions)
        self._of_functions("ThrottledFunctions", "Throttles", "was throttled", functions)

    def _of_functions(
        self,
        construct_id: str,
        metric_name: str,
        what: str,
        functions: Mapping[str, lambda_.IFunction],
    ) -> None:
        self.tell(
            self._alarm(
                construct_id,
                metrics.of_functions(metric_name, functions),
                with_runbook(
                    f"A function of these {what}: {', '.join(functions)}", "failed-functions"
                ),
            )
        )

    def of_dead_letters(self, depths: Mapping[str, cloudwatch.Metric]) -> None:
        """One a queue.

        Args:
            depths: messages in each queue, by what they are.
        """
        for name, depth in depths.items():
            self.tell(
                self._alarm(
                    f"Failed{name}",
                    depth,
                    with_runbook(f"{name} that failed wait in their queue", "dead-letters"),
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
