"""From the marker in S3 to StartPipelineExecution."""

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.function import dead_letter_queue
from infra.settings import Settings
from infra.trigger.starter import Starter


class TriggerStack(cdk.Stack):
    """The starter, and the queue of what failed.

    Attributes:
        starter: the function, its table and its rules.
        dead_letters: events that could not be delivered or that the starter failed on.
    """

    def __init__(  # noqa: PLR0913 - CDK props
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        drops: s3.IBucket,
        artifacts: s3.IBucket,
        pipeline_name: str,
        pipeline_arn: str,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)
        self.dead_letters = dead_letter_queue(self, "DeadLetters", settings)
        self.starter = Starter(
            self,
            "Starter",
            settings=settings,
            drops=drops,
            artifacts=artifacts,
            pipeline_name=pipeline_name,
            pipeline_arn=pipeline_arn,
            dead_letters=self.dead_letters,
        )
        for output, value, description in (
            ("DropsTableName", self.starter.table.table_name, "Table of drops and runs"),
            (
                "StarterFunctionName",
                self.starter.function.function_name,
                "Function that starts executions for drops and for drift",
            ),
        ):
            cdk.CfnOutput(self, output, value=value, description=description)
