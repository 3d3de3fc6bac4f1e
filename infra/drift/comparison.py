"""The function that compares captured answers with training, and its schedule."""

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.drift import permissions
from infra.drift.alarm import NAMESPACE
from infra.drift.props import DriftProps
from infra.function import python_function


class ScheduledComparison(Construct):
    """It reads answers, never images: what is captured of requests lies in the same files, but
    nothing looks at it.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        props: DriftProps,
        dead_letters: sqs.IQueue,
    ) -> None:
        super().__init__(scope, construct_id)
        drift = props.settings.drift
        self.function = python_function(
            self,
            "Function",
            handler="functions.drift.compare.handler",
            description="Compares the classes that the endpoint answers with those of training",
            settings=props.settings,
            environment={
                "ENDPOINT_NAME": props.endpoint_name,
                "STACK_NAME": props.stack_name,
                "PARAMETER": props.parameter,
                "CAPTURE_BUCKET": props.captured.bucket_name,
                "CAPTURE_PREFIX": props.capture_prefix,
                "RECORDS_BUCKET": props.records.bucket_name,
                "NAMESPACE": NAMESPACE,
                "HOURS": str(drift.every_hours),
                "MINIMUM_PREDICTIONS": str(drift.minimum_predictions),
                "THRESHOLD": str(drift.threshold),
            },
            dead_letter_queue=dead_letters,
            timeout=cdk.Duration.minutes(15),
        )
        permissions.let_compare(self.function, props)
        events.Rule(
            self,
            "Schedule",
            description="Captured answers are compared with training",
            schedule=events.Schedule.rate(cdk.Duration.hours(drift.every_hours)),
            targets=[targets.LambdaFunction(self.function, dead_letter_queue=dead_letters)],
        )
