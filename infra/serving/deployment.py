"""From the approval of a model package to an update of the serving stack."""

from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.function import python_function
from infra.settings import Settings

_UPDATE = ("cloudformation:UpdateStack",)
_PROPOSE = ("cloudformation:CreateChangeSet", "cloudformation:DescribeChangeSet")


class ApprovedModelDeployment(Construct):
    """A rule on approvals in one group, and the function that changes the stack's one parameter.

    It needs no right to make an endpoint: CloudFormation uses the role that the stack was deployed
    with.
    """

    def __init__(  # noqa: PLR0913 - CDK props
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        model_package_group_name: str,
        parameter: str,
        dead_letters: sqs.IQueue,
    ) -> None:
        super().__init__(scope, construct_id)
        direct = settings.endpoint.deploy_on_approval
        stack = cdk.Stack.of(self)
        deployer = python_function(
            self,
            "Deployer",
            folder=Path(__file__).parent / "deployer",
            description="Gives the serving stack the model package that was approved",
            settings=settings,
            environment={
                "STACK_NAME": stack.stack_name,
                "PARAMETER": parameter,
                "ACTION": "update" if direct else "propose",
            },
            dead_letter_queue=dead_letters,
        )
        deployer.add_to_role_policy(
            iam.PolicyStatement(
                actions=["cloudformation:DescribeStacks", *(_UPDATE if direct else _PROPOSE)],
                resources=[
                    stack.format_arn(
                        service="cloudformation",
                        resource="stack",
                        resource_name=f"{stack.stack_name}/*",
                    )
                ],
            )
        )
        events.Rule(
            self,
            "ModelIsApproved",
            description="A model package of the group was approved",
            event_pattern=events.EventPattern(
                source=["aws.sagemaker"],
                detail_type=["SageMaker Model Package State Change"],
                detail={
                    "ModelPackageGroupName": [model_package_group_name],
                    "ModelApprovalStatus": ["Approved"],
                },
            ),
            targets=[
                targets.LambdaFunction(deployer, dead_letter_queue=dead_letters, retry_attempts=24)
            ],
        )
