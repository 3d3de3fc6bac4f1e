"""Lets other accounts pull from the repository of the CDK's images."""

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_ecr_assets as ecr_assets
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.function import python_function
from infra.settings import Settings


class RepositorySharing(Construct):
    """One statement of the repository's policy, by a custom resource.

    `cdk bootstrap` made the repository, and no stack of ours can state its whole policy: other
    environments share through it too. A later bootstrap may write its own policy over it; the
    statement is there again with the next image.
    https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-policies.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        image: ecr_assets.DockerImageAsset,
        accounts: Sequence[str],
    ) -> None:
        super().__init__(scope, construct_id)
        function = python_function(
            self,
            "Function",
            handler="functions.custom_resources.repository_policy.handler",
            description="Lets other accounts pull the images of models that they serve",
            settings=settings,
            timeout=cdk.Duration.minutes(2),
        )
        function.add_to_role_policy(
            iam.PolicyStatement(
                actions=[
                    "ecr:GetRepositoryPolicy",
                    "ecr:SetRepositoryPolicy",
                    "ecr:DeleteRepositoryPolicy",
                ],
                resources=[image.repository.repository_arn],
            )
        )
        cdk.CustomResource(
            self,
            "Statement",
            resource_type="Custom::RepositoryPolicyStatement",
            service_token=function.function_arn,
            properties={
                "RepositoryName": image.repository.repository_name,
                "Sid": "".join(part.capitalize() for part in settings.name.split("-")),
                "Accounts": list(accounts),
                "ImageUri": image.image_uri,
            },
        )
