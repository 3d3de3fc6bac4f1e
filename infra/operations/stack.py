"""Topic, alarms, the reporter of events, and the dashboard."""

from collections.abc import Mapping
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from aws_cdk.aws_cloudwatch_actions import SnsAction
from constructs import Construct

from infra import names
from infra.drift import Drift
from infra.operations import alarms, metrics
from infra.operations.dashboard import dashboard
from infra.operations.notifications import encrypted_topic, monthly_budget
from infra.operations.reporter import Reporter
from infra.settings import Settings


class OperationsStack(cdk.Stack):
    """What watches the other stacks.

    Args:
        serving_stack: name of the endpoint's stack.
        working: bucket of evaluations.
        artifacts: bucket of lineage, and of what was compared and reported.
        inference: bucket of captured answers.
        dead_letters: the queues of failed events, by what they hold.
        functions: those of the other stacks, by what people call them.

    Attributes:
        drift: the comparison of answered with trained classes, or None. It is of this stack as
            nothing else refers to it, so that a setting can take it away.
        reporter: the function that tells people in words.
    """

    def __init__(  # noqa: PLR0913 - CDK props
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        serving_stack: str,
        working: s3.IBucket,
        artifacts: s3.IBucket,
        inference: s3.IBucket,
        dead_letters: Mapping[str, sqs.IQueue],
        functions: Mapping[str, lambda_.IFunction],
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)
        self._settings = settings
        topic = self._notifications()
        self.drift: Drift | None = None
        if settings.drift.every_hours:
            self.drift = Drift(
                self,
                "Drift",
                settings=settings,
                serving_stack=serving_stack,
                captured=inference,
                records=artifacts,
            )
        self.reporter = Reporter(
            self,
            "Reporter",
            settings=settings,
            topic=topic,
            serving_stack=serving_stack,
            working=working,
            artifacts=artifacts,
        )
        self._watch(topic, self._depths(dead_letters), functions)
        self._add_outputs(topic)

    def _notifications(self) -> sns.Topic:
        operations = self._settings.operations
        topic = encrypted_topic(self, "Notifications", self._settings)
        if operations.monthly_budget_usd is not None:
            monthly_budget(
                self,
                "Budget",
                settings=self._settings,
                usd=operations.monthly_budget_usd,
                topic=topic,
            )
        for address in operations.notify_emails:
            topic.add_subscription(subscriptions.EmailSubscription(address))
        return topic

    def _watch(
        self,
        topic: sns.ITopic,
        depths: Mapping[str, cloudwatch.Metric],
        others: Mapping[str, lambda_.IFunction],
    ) -> None:
        """Makes the alarms, and the dashboard that shows them."""
        functions = {**others, "reporter": self.reporter.function}
        if self.drift:
            functions["comparison"] = self.drift.comparison
        failures = {
            **alarms.failed_executions(self._settings.name),
            **alarms.failed_requests(self._settings),
            **alarms.failed_functions(functions),
            **alarms.dead_letters(depths),
        }
        shown = alarms.add_alarms(self, failures, topic)
        if self.drift:
            self.drift.alarm.add_alarm_action(SnsAction(topic))
            shown.append(self.drift.alarm)
        dashboard(
            self,
            "Dashboard",
            settings=self._settings,
            alarms=shown,
            failures=[
                *depths.values(),
                metrics.function_totals("Errors", functions),
                metrics.function_totals("Throttles", functions),
            ],
            drift=self.drift.metric if self.drift else None,
        )

    def _depths(self, dead_letters: Mapping[str, sqs.IQueue]) -> dict[str, cloudwatch.Metric]:
        """Messages in each queue of failed events, by what they are."""
        queues = {**dead_letters, "Reports": self.reporter.dead_letters}
        if self.drift:
            queues["Comparisons"] = self.drift.dead_letters
        return {
            name: queue.metric_approximate_number_of_messages_visible(
                period=metrics.PERIOD, label=f"{name} in the dead-letter queue"
            )
            for name, queue in queues.items()
        }

    def _add_outputs(self, topic: sns.ITopic) -> None:
        if self.drift:
            cdk.CfnOutput(
                self,
                names.COMPARISON_FUNCTION_NAME,
                value=self.drift.comparison.function_name,
                description="Function that compares the answered classes with those of training",
            )
        cdk.CfnOutput(
            self,
            "TopicArn",
            value=topic.topic_arn,
            description="Topic of alarms, failed executions, waiting models and rollbacks",
        )
