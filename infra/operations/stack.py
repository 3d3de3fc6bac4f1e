"""Topic, alarms, the events that people are told of, and the dashboard."""

from collections.abc import Mapping
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.drift import Drift, DriftProps
from infra.operations import endpoint, metrics
from infra.operations.alarms import Alarms
from infra.operations.budget import monthly_budget
from infra.operations.dashboard import Shown, dashboard
from infra.operations.job_logs import JobLogs
from infra.operations.reports.props import ReporterProps
from infra.operations.reports.reporter import Reporter
from infra.operations.topic import encrypted_topic
from infra.settings import Settings


class OperationsStack(cdk.Stack):
    """What watches the other stacks.

    Attributes:
        reports: what the function that tells people in words looks at.
        dead_letters: the queues of failed events, by what they hold.
        functions: those of the other stacks, by what people call them.
        drift: what the comparison of answered with trained classes gets, if there is one.
        job_logs: says how long logs of jobs are kept, or None.
        reporter: that function.
        dashboard: the page.
        drift: that comparison, or None. It is of this stack as nothing else refers to it, so that a
            setting can take it away.
    """

    def __init__(  # noqa: PLR0913 - CDK props
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        endpoint_name: str,
        reports: ReporterProps,
        dead_letters: Mapping[str, sqs.IQueue],
        functions: Mapping[str, lambda_.IFunction],
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
        self.reporter = Reporter(self, "Reporter", topic=self._topic, props=reports)
        for address in operations.notify_emails:
            self._topic.add_subscription(subscriptions.EmailSubscription(address))
        depths = self._depths(dead_letters)
        alarms = Alarms(self, self._topic)
        alarms.of_executions(reports.pipeline_name)
        alarms.of_endpoint(settings, endpoint_name)
        functions = self._functions(functions)
        alarms.of_functions(functions)
        alarms.of_dead_letters(depths)
        if self.drift:
            alarms.tell(self.drift.alarm)
        self.dashboard = dashboard(
            self,
            "Dashboard",
            settings=settings,
            pipeline_name=reports.pipeline_name,
            shown=Shown(
                endpoint=endpoint.graphs(settings, endpoint_name),
                alarms=alarms.made,
                failures=[
                    *depths.values(),
                    metrics.of_functions("Errors", functions),
                    metrics.of_functions("Throttles", functions),
                ],
                drift=self.drift.metric if self.drift else None,
            ),
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
            description="Topic of alarms, failed executions, waiting models and rollbacks",
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

    def _functions(
        self, functions: Mapping[str, lambda_.IFunction]
    ) -> dict[str, lambda_.IFunction]:
        found = {**functions, "reporter": self.reporter.function}
        if self.drift:
            found["comparison"] = self.drift.comparison.function
        return found
