"""A model that one environment trained, served by another, perhaps in another account.

AWS asks both sides: an environment that shares its models states in its resources' own policies
what an account as a whole may do, and in that account the roles of the environment that serves them
are allowed what they need of that (`Source`).
https://docs.aws.amazon.com/sagemaker/latest/dg/model-registry-deploy-xaccount.html
"""

from collections.abc import Sequence
from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_ecr_assets as ecr_assets
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sagemaker as sagemaker
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra import grants
from infra.function import python_function
from infra.names import DATASETS, MODEL_PACKAGE_CHANGED, MODELS
from infra.settings import Promotion, Settings


@dataclass(frozen=True)
class Source:
    """The group, and what belongs to it.

    Attributes:
        group: the group's name.
        bucket: that of its models.
        key: ARN of the key that they are encrypted with; None for S3's own.
    """

    partition: str
    region: str
    account: str
    group: str
    bucket: str
    key: str | None

    @classmethod
    def of(cls, settings: Promotion) -> "Source | None":
        """None where the environment serves its own models."""
        if settings.source is None or settings.source_artifacts_bucket is None:
            return None
        return cls(
            **settings.source, bucket=settings.source_artifacts_bucket, key=settings.source_key
        )

    @property
    def packages(self) -> str:
        """ARNs of the group's packages, a pattern."""
        return (
            f"arn:{self.partition}:sagemaker:{self.region}:{self.account}:"
            f"model-package/{self.group}/*"
        )

    @property
    def repository(self) -> str:
        """ARN of the repository that `cdk bootstrap` made for the source's images."""
        name = f"cdk-{cdk.DefaultStackSynthesizer.DEFAULT_QUALIFIER}-container-assets"
        return (
            f"arn:{self.partition}:ecr:{self.region}:{self.account}:"
            f"repository/{name}-{self.account}-{self.region}"
        )

    def artifacts(self, scope: Construct) -> s3.IBucket:
        """The bucket of its models, as `scope` refers to it."""
        return s3.Bucket.from_bucket_name(scope, "SourceArtifacts", self.bucket)

    def grant_read(self, role: iam.Role) -> None:
        """Describe the packages, and read their models."""
        grants.use_model_packages(role, self.packages, ["sagemaker:DescribeModelPackage"])
        self._grant_read_models(role)

    def grant_serve(self, role: iam.Role) -> None:
        """Read the models, and pull the images that serve them."""
        self._grant_read_models(role)
        grants.pull_image_by_arn(role, self.repository)

    def grant_decrypt(self, role: iam.IGrantable) -> None:
        """Use the key of its objects, through S3 alone."""
        if self.key:
            through = {"StringEquals": {"kms:ViaService": f"s3.{self.region}.amazonaws.com"}}
            grants.allow(role, ["kms:Decrypt"], [self.key], through)

    def _grant_read_models(self, role: iam.Role) -> None:
        grants.read_objects(role, self.artifacts(role), MODELS)
        self.grant_decrypt(role)

    def accept_approvals(self, scope: Construct, name: str) -> None:
        """Lets the source's account put its approvals, and nothing else, on this account's bus.

        In the source's own account there is nothing to allow.
        """
        policy = events.CfnEventBusPolicy(
            scope,
            "ApprovalsFromTheSource",
            statement_id=name,
            statement={
                "Sid": name,
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:{self.partition}:iam::{self.account}:root"},
                "Action": "events:PutEvents",
                "Resource": grants.arn_of(scope, "events", "event-bus", "default"),
                "Condition": {
                    "StringEquals": {
                        # Others can put events on a bus, but only AWS can in the name of `aws.`.
                        "events:source": "aws.sagemaker",
                        "events:detail-type": MODEL_PACKAGE_CHANGED,
                    }
                },
            },
        )
        policy.cfn_options.condition = cdk.CfnCondition(
            scope,
            "SourceIsElsewhere",
            expression=cdk.Fn.condition_not(
                cdk.Fn.condition_equals(cdk.Aws.ACCOUNT_ID, self.account)
            ),
        )


def share_packages(group: sagemaker.CfnModelPackageGroup, accounts: Sequence[str]) -> None:
    """Lets accounts describe a group's packages, and make models of them."""
    # The policy is a property of the group, which therefore can't be asked for its ARN.
    name = group.model_package_group_name
    principals = _principals(accounts)
    document = iam.PolicyDocument(
        statements=[
            iam.PolicyStatement(
                sid="Describe",
                principals=principals,
                actions=["sagemaker:DescribeModelPackageGroup"],
                resources=[grants.arn_of(group, "sagemaker", "model-package-group", name)],
            ),
            iam.PolicyStatement(
                sid="Deploy",
                principals=principals,
                actions=["sagemaker:DescribeModelPackage", "sagemaker:CreateModel"],
                resources=[grants.arn_of(group, "sagemaker", "model-package", f"{name}/*")],
            ),
        ]
    )
    group.model_package_group_policy = document.to_json()


def share_models(bucket: s3.Bucket, key: kms.IKey | None, accounts: Sequence[str]) -> None:
    """Lets accounts read models and what they were trained on.

    Args:
        key: what the bucket's objects are encrypted with; None for S3's own keys.
    """
    principals = _principals(accounts)
    bucket.add_to_resource_policy(
        iam.PolicyStatement(
            principals=principals,
            actions=["s3:GetObject", "s3:GetObjectVersion"],
            resources=[bucket.arn_for_objects(f"{MODELS}*"), bucket.arn_for_objects(DATASETS)],
        )
    )
    bucket.add_to_resource_policy(
        iam.PolicyStatement(
            principals=principals,
            actions=["s3:ListBucket", "s3:ListBucketVersions"],
            resources=[bucket.bucket_arn],
            conditions={"StringLike": {"s3:prefix": [f"{MODELS}*"]}},
        )
    )
    if key is not None:
        through = f"s3.{cdk.Stack.of(key).region}.amazonaws.com"
        key.add_to_resource_policy(
            iam.PolicyStatement(
                principals=principals,
                actions=["kms:Decrypt"],
                resources=["*"],
                conditions={"StringEquals": {"kms:ViaService": through}},
            )
        )


def forward_approvals(
    stack: cdk.Stack,
    *,
    model_package_group_name: str,
    dead_letters: sqs.IQueue,
    accounts: Sequence[str],
) -> None:
    """Tells accounts of approvals, by a rule an account: one rule has five targets at most."""
    for account in accounts:
        bus = stack.format_arn(
            service="events", resource="event-bus", account=account, resource_name="default"
        )
        events.Rule(
            stack,
            f"ApprovalsFor{account}",
            description=f"Tells {account} of approvals of model packages of the group",
            event_pattern=events.EventPattern(
                source=["aws.sagemaker"],
                detail_type=[MODEL_PACKAGE_CHANGED],
                detail={"ModelPackageGroupName": [model_package_group_name]},
            ),
            targets=[
                targets.EventBus(
                    events.EventBus.from_event_bus_arn(stack, f"Bus{account}", bus),
                    dead_letter_queue=dead_letters,
                )
            ],
        )


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
        grants.allow(
            function,
            ["ecr:GetRepositoryPolicy", "ecr:SetRepositoryPolicy", "ecr:DeleteRepositoryPolicy"],
            [image.repository.repository_arn],
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


def _principals(accounts: Sequence[str]) -> list[iam.IPrincipal]:
    return [iam.AccountPrincipal(account) for account in accounts]
