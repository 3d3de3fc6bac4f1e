"""The function that tells people what became of an execution or of an update."""

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra import runbooks
from infra.function import dead_letter_queue, python_function
from infra.operations.reports import permissions
from infra.operations.reports.prices import prices_of_jobs
from infra.operations.reports.props import ReporterProps

_EXECUTION = "SageMaker Model Building Pipeline Execution Status Change"
_STEP = "SageMaker Model Building Pipeline Execution Step Status Change"
_STACK = "CloudFormation Stack Status Change"
_ENDED = ["Succeeded", "Failed", "Stopped"]
_WITH_JOBS = ["Processing", "Training"]
_ATTEMPTS = 24


class Reporter(Construct):
    """Publishes messages in words and metrics of executions.

    Attributes:
        function: hears ends of steps and executions, and rollbacks of the serving stack.
        dead_letters: events that it failed on.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, topic: sns.ITopic, props: ReporterProps
    ) -> None:
        super().__init__(scope, construct_id)
        settings = props.settings
        self.dead_letters = dead_letter_queue(self, "DeadLetters", settings)
        self.function = python_function(
            self,
            "Function",
            handler="functions.reporter.handler.handler",
            description="Tells people of failed executions, waiting models and rollbacks",
            settings=settings,
            environment={
                "ENVIRONMENT": settings.stage,
                "NAME": settings.name,
                "PIPELINE_NAME": props.pipeline_name,
                "WORKING_BUCKET": props.working.bucket_name,
                "ARTIFACTS_BUCKET": props.artifacts.bucket_name,
                "NAMESPACE": props.namespace,
                "TOPIC_ARN": topic.topic_arn,
                "PRICES": prices_of_jobs(settings),
                "RUNBOOKS": runbooks.place(settings),
            },
            dead_letter_queue=self.dead_letters,
            timeout=cdk.Duration.minutes(1),
        )
        permissions.let_report(self.function, topic, props)
        self._hear_executions(props.pipeline_arn)
        self._hear_rollbacks(props.serving_stack)

    def _hear_executions(self, pipeline_arn: str) -> None:
        self._rule(
            "ExecutionEnded",
            "An execution of the pipeline ended",
            source="aws.sagemaker",
            detail_type=_EXECUTION,
            detail={"pipelineArn": [pipeline_arn], "currentPipelineExecutionStatus": _ENDED},
        )
        self._rule(
            "StepEnded",
            "A step with jobs ended",
            source="aws.sagemaker",
            detail_type=_STEP,
            detail={
                "pipelineArn": [pipeline_arn],
                "stepType": _WITH_JOBS,
                "currentStepStatus": _ENDED,
            },
        )

    def _hear_rollbacks(self, serving_stack: str) -> None:
        stack_id = cdk.Stack.of(self).format_arn(
            service="cloudformation", resource="stack", resource_name=f"{serving_stack}/"
        )
        self._rule(
            "ModelTakenBack",
            "An update of the serving stack failed: the model of before serves on",
            source="aws.cloudformation",
            detail_type=_STACK,
            detail={
                "stack-id": [{"prefix": stack_id}],
                "status-details": {
                    "status": ["UPDATE_ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_FAILED"]
                },
            },
        )

    def _rule(
        self,
        construct_id: str,
        description: str,
        *,
        source: str,
        detail_type: str,
        detail: dict[str, Any],
    ) -> None:
        events.Rule(
            self,
            construct_id,
            description=description,
            event_pattern=events.EventPattern(
                source=[source], detail_type=[detail_type], detail=detail
            ),
            targets=[
                targets.LambdaFunction(
                    self.function, dead_letter_queue=self.dead_letters, retry_attempts=_ATTEMPTS
                )
            ],
        )
