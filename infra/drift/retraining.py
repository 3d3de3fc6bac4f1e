"""From the alarm to a request for an execution of the pipeline."""

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.drift import permissions
from infra.drift.props import DriftProps
from infra.function import python_function


class Retraining(Construct):
    """A rule on the alarm, and the function that asks the starter for a run.

    Attributes:
        function: asks for it.
        rule: hands it the event that the alarm was raised.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        props: DriftProps,
        alarm: cloudwatch.IAlarm,
        dead_letters: sqs.IQueue,
    ) -> None:
        super().__init__(scope, construct_id)
        self.function = python_function(
            self,
            "Function",
            handler="functions.drift.retrain.handler",
            description="Asks for a run for a model whose answers drifted",
            settings=props.settings,
            environment={
                "STACK_NAME": props.stack_name,
                "PARAMETER": props.parameter,
                "PIPELINE_NAME": props.pipeline_name,
                "RECORDS_BUCKET": props.records.bucket_name,
                "THRESHOLD": str(props.settings.drift.threshold),
            },
            dead_letter_queue=dead_letters,
        )
        permissions.let_retrain(self.function, props)
        self.rule = events.Rule(
            self,
            "AnswersDrifted",
            description="The alarm of drift was raised",
            event_pattern=events.EventPattern(
                source=["aws.cloudwatch"],
                detail_type=["CloudWatch Alarm State Change"],
                detail={"alarmName": [alarm.alarm_name], "state": {"value": ["ALARM"]}},
            ),
            targets=[
                targets.LambdaFunction(
                    self.function, dead_letter_queue=dead_letters, retry_attempts=24
                )
            ],
        )
