"""Comparison, alarm and, where the settings want it, an execution for each model that drifts."""

from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from infra.drift.alarm import drift_alarm, drift_metric
from infra.drift.comparison import ScheduledComparison
from infra.drift.props import DriftProps
from infra.drift.retraining import Retraining
from infra.function import dead_letter_queue


class Drift(Construct):
    """Every `drift.every_hours`, the class shares of captured answers against those of training.

    Attributes:
        comparison: the function that compares, on its schedule.
        retraining: the function that starts the pipeline, or None without `drift.retrain`.
        metric: how far they are apart at least.
        alarm: on the metric; whoever composes this says whom it tells.
        dead_letters: events that failed.
    """

    def __init__(self, scope: Construct, construct_id: str, *, props: DriftProps) -> None:
        super().__init__(scope, construct_id)
        settings = props.settings
        self.dead_letters = dead_letter_queue(self, "DeadLetters", settings)
        self.metric: cloudwatch.Metric = drift_metric(props.endpoint_name)
        self.alarm = drift_alarm(
            self,
            "Alarm",
            metric=self.metric,
            threshold=settings.drift.threshold,
            endpoint_name=props.endpoint_name,
        )
        self.comparison = ScheduledComparison(
            self, "Comparison", props=props, dead_letters=self.dead_letters
        )
        self.retraining = (
            Retraining(
                self, "Retraining", props=props, alarm=self.alarm, dead_letters=self.dead_letters
            )
            if settings.drift.retrain
            else None
        )
