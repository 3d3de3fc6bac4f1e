"""Alarms, each with its runbook, and whom they notify."""

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
        topic: that they notify.
        all: all of them, in the order in which they were added.
    """

    def __init__(self, scope: Construct, topic: sns.ITopic) -> None:
        self._scope = scope
        self._topic = topic
        self.all: list[cloudwatch.IAlarm] = []

    def watch_executions(self, pipeline_name: str) -> None:
        """Of failed executions, whose message the reporter writes, and of drops that are held."""
        self._alarm(
            "FailedExecutions",
            metrics.executions("Failed", pipeline_name),
            with_runbook(f"An execution of {pipeline_name} failed", "failed-executions"),
        )
        self.notify(
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

    def watch_endpoint(self, settings: Settings, endpoint_name: str) -> None:
        """Of the endpoint's failures, by its mode."""
        for name, failure in metrics.endpoint_failures(settings, endpoint_name).items():
            self.notify(
                self._alarm(
                    name,
                    failure.metric,
                    with_runbook(failure.description, failure.runbook),
                    threshold=failure.threshold,
                    periods=failure.periods,
                )
            )

    def watch_functions(self, functions: Mapping[str, lambda_.IFunction]) -> None:
        """One alarm for all: what is done about it is the same, and each alarm is billed."""
        self._watch_functions("FailedFunctions", "Errors", "failed", functions)
        self._watch_functions("ThrottledFunctions", "Throttles", "was throttled", functions)

    def _watch_functions(
        self,
        construct_id: str,
        metric_name: str,
        what: str,
        functions: Mapping[str, lambda_.IFunction],
    ) -> None:
        self.notify(
            self._alarm(
                construct_id,
                metrics.function_totals(metric_name, functions),
                with_runbook(
                    f"A function of these {what}: {', '.join(functions)}", "failed-functions"
                ),
            )
        )

    def watch_dead_letters(self, depths: Mapping[str, cloudwatch.Metric]) -> None:
        """One a queue.

        Args:
            depths: messages in each queue, by what they are.
        """
        for name, depth in depths.items():
            self.notify(
                self._alarm(
                    f"Failed{name}",
                    depth,
                    with_runbook(f"{name} that failed wait in their queue", "dead-letters"),
                )
            )

    def notify(self, *alarms: cloudwatch.Alarm) -> None:
        """Lets alarms, those of other constructs too, notify the topic."""
        for alarm in alarms:
            alarm.add_alarm_action(actions.SnsAction(self._topic))
            if alarm not in self.all:
                self.all.append(alarm)

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
        self.all.append(alarm)
        return alarm
