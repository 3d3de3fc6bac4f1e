"""Are the classes that are answered still those that were trained on, and what if they are not."""

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra import grants, names
from infra.function import dead_letter_queue, event_rule, python_function
from infra.promotion import Source
from infra.settings import Settings


class Drift(Construct):
    """Every `drift.every_hours`, the class shares of captured answers against those of training.

    Args:
        serving_stack: the endpoint's stack, whose parameter is the model package that is served.
        captured: bucket of captured answers.
        records: bucket of the executions' `dataset.json`, and of what is kept of comparisons.

    Attributes:
        comparison: the function that compares.
        retraining: the function that asks the starter for a run, or None without `drift.retrain`.
        alarm_rule: hands it the event that the alarm was raised.
        metric: total variation distance of the class shares, less what chance explains: 0 to 1.
        alarm: on the metric; who composes this says whom it tells.
        dead_letters: events that failed.
    """

    def __init__(  # noqa: PLR0913 - CDK props
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        serving_stack: str,
        captured: s3.IBucket,
        records: s3.IBucket,
    ) -> None:
        super().__init__(scope, construct_id)
        self._settings = settings
        self._serving_stack = serving_stack
        self._records = records
        self.dead_letters = dead_letter_queue(self, "DeadLetters", settings)
        self.metric = cloudwatch.Metric(
            namespace=names.NAMESPACE,
            metric_name="ClassShareDrift",
            dimensions_map={"EndpointName": settings.name},
            statistic=cloudwatch.Stats.MAXIMUM,
            period=cdk.Duration.minutes(5),
        )
        self.alarm = self._alarm()
        self.comparison = self._comparison(captured)
        self.retraining: lambda_.Function | None = None
        if settings.drift.retrain:
            part = Construct(self, "Retraining")
            self.retraining = self._retraining(part)
            self.alarm_rule = event_rule(
                part,
                self.retraining,
                self.dead_letters,
                "AnswersDrifted",
                "The alarm of drift was raised",
                source="aws.cloudwatch",
                detail_type=names.ALARM_CHANGED,
                detail={"alarmName": [self.alarm.alarm_name], "state": {"value": ["ALARM"]}},
            )

    def _alarm(self) -> cloudwatch.Alarm:
        """In alarm from a comparison past the threshold until one that is not."""
        return cloudwatch.Alarm(
            self,
            "Alarm",
            alarm_description=names.with_runbook(
                f"The classes that {self._settings.name} answers are not those that its model was "
                "trained on: ./scripts/drift shows them",
                "drift",
            ),
            metric=self.metric,
            threshold=self._settings.drift.threshold,
            evaluation_periods=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            # Between two comparisons, hours apart, nothing is known that would change its state.
            treat_missing_data=cloudwatch.TreatMissingData.IGNORE,
        )

    def _comparison(self, captured: s3.IBucket) -> lambda_.Function:
        """The function and its schedule.

        It reads answers, never images: what is captured of requests lies in the same files, but
        nothing looks at it.
        """
        part, drift = Construct(self, "Comparison"), self._settings.drift
        answers = f"{names.CAPTURED}{self._settings.name}/{names.VARIANT}/"
        function = python_function(
            part,
            "Function",
            handler="functions.drift.compare.handler",
            description="Compares the classes that the endpoint answers with those of training",
            settings=self._settings,
            environment={
                "ENDPOINT_NAME": self._settings.name,
                "STACK_NAME": self._serving_stack,
                "PARAMETER": names.MODEL_PACKAGE_PARAMETER,
                "CAPTURE_BUCKET": captured.bucket_name,
                "CAPTURE_PREFIX": answers,
                "RECORDS_BUCKET": self._records.bucket_name,
                "NAMESPACE": names.NAMESPACE,
                "HOURS": str(drift.every_hours),
                "MINIMUM_PREDICTIONS": str(drift.minimum_predictions),
                "THRESHOLD": str(drift.threshold),
            },
            dead_letter_queue=self.dead_letters,
            timeout=cdk.Duration.minutes(15),
        )
        self._grant_comparison(function, captured, answers)
        events.Rule(
            part,
            "Schedule",
            description="Captured answers are compared with training",
            schedule=events.Schedule.rate(cdk.Duration.hours(drift.every_hours)),
            targets=[targets.LambdaFunction(function, dead_letter_queue=self.dead_letters)],
        )
        return function

    def _grant_comparison(
        self, function: lambda_.Function, captured: s3.IBucket, answers: str
    ) -> None:
        source = Source.of(self._settings.promotion)
        packages = source.packages if source else grants.model_packages(self, self._settings.name)
        grants.use_stack(function, self._serving_stack, ["cloudformation:DescribeStacks"])
        grants.use_model_packages(function, packages, ["sagemaker:DescribeModelPackage"])
        if source:
            source.grant_decrypt(function)
        grants.read_objects(function, captured, answers)
        datasets = source.artifacts(function) if source else self._records
        grants.get_object(function, datasets, names.DATASETS)
        grants.put_object(function, self._records, names.COMPARISON)
        grants.put_metrics(function, names.NAMESPACE)

    def _retraining(self, part: Construct) -> lambda_.Function:
        function = python_function(
            part,
            "Function",
            handler="functions.drift.retrain.handler",
            description="Asks for a run for a model whose answers drifted",
            settings=self._settings,
            environment={
                "STACK_NAME": self._serving_stack,
                "PARAMETER": names.MODEL_PACKAGE_PARAMETER,
                "PIPELINE_NAME": self._settings.name,
                "RECORDS_BUCKET": self._records.bucket_name,
                "THRESHOLD": str(self._settings.drift.threshold),
            },
            dead_letter_queue=self.dead_letters,
        )
        grants.use_stack(function, self._serving_stack, ["cloudformation:DescribeStacks"])
        grants.list_objects(function, self._records, names.DRIFT)
        grants.get_object(function, self._records, names.COMPARISON)
        # The default bus is everybody's: only these events may be put there.
        only = {
            "events:source": names.RETRAINING_SOURCE,
            "events:detail-type": names.RETRAINING_REQUESTED,
        }
        bus = grants.arn_of(self, "events", "event-bus", "default")
        grants.allow(function, ["events:PutEvents"], [bus], {"StringEquals": only})
        return function
