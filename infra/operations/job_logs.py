"""How long the logs of jobs are kept, whose log groups are not this environment's."""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.function import python_function
from infra.settings import Settings

GROUPS = ("/aws/sagemaker/ProcessingJobs", "/aws/sagemaker/TrainingJobs")


class JobLogs(Construct):
    """A custom resource that notes this environment's wish at SageMaker's two log groups.

    They are of the whole account in a Region. A log group of a template has one owner, and each
    environment that set a retention would undo the other's: so each notes its own as a tag, and the
    longest counts. What others set by hand is overwritten.

    Attributes:
        function: sets the retention.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, settings: Settings, days: int
    ) -> None:
        super().__init__(scope, construct_id)
        arns = {name: self._arn(name) for name in GROUPS}
        self.function = python_function(
            self,
            "Function",
            handler="functions.custom_resources.job_logs.handler",
            description="Says how long the account's log groups of SageMaker jobs are kept",
            settings=settings,
            timeout=cdk.Duration.minutes(2),
        )
        self.function.add_to_role_policy(
            iam.PolicyStatement(
                actions=[
                    "logs:CreateLogGroup",
                    "logs:ListTagsForResource",
                    "logs:PutRetentionPolicy",
                    "logs:TagResource",
                    "logs:UntagResource",
                ],
                # Only the actions on tags take an ARN without the asterisk:
                # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/iam-access-control-overview-cwl.html
                resources=[*arns.values(), *(f"{arn}:*" for arn in arns.values())],
            )
        )
        cdk.CustomResource(
            self,
            "Retention",
            resource_type="Custom::JobLogRetention",
            service_token=self.function.function_arn,
            properties={"LogGroups": arns, "Owner": settings.name, "Days": str(days)},
        )

    def _arn(self, name: str) -> str:
        return cdk.Stack.of(self).format_arn(
            service="logs",
            resource="log-group",
            resource_name=name,
            arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
        )
