"""From the marker in S3 to StartPipelineExecution."""

from pathlib import Path
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.function import dead_letter_queue, python_function
from infra.settings import Settings


class TriggerStack(cdk.Stack):
    """A rule on `drops/<drop id>/_SUCCESS`, the starter function and the queue of what failed.

    :ivar dead_letters: events that could not be delivered or that the starter failed on.
    """

    def __init__(  # noqa: PLR0913 - CDK props
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        drops: s3.IBucket,
        pipeline_name: str,
        pipeline_arn: str,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)
        self.dead_letters = dead_letter_queue(self, "DeadLetters", settings)
        starter = python_function(
            self,
            "Starter",
            folder=Path(__file__).parent / "starter",
            description="Starts one pipeline execution for a complete drop",
            settings=settings,
            environment={"PIPELINE_NAME": pipeline_name},
            dead_letter_queue=self.dead_letters,
        )
        starter.add_to_role_policy(
            iam.PolicyStatement(
                actions=["sagemaker:StartPipelineExecution"], resources=[pipeline_arn]
            )
        )
        events.Rule(
            self,
            "DropIsComplete",
            description="A drop's marker was written",
            event_pattern=events.EventPattern(
                source=["aws.s3"],
                detail_type=["Object Created"],
                detail={
                    "bucket": {"name": [drops.bucket_name]},
                    # Two conditions in this list would mean either, not both.
                    "object": {"key": [{"wildcard": "drops/*/_SUCCESS"}]},
                },
            ),
            targets=[
                targets.LambdaFunction(
                    starter, dead_letter_queue=self.dead_letters, retry_attempts=24
                )
            ],
        )
