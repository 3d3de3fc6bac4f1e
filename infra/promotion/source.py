"""Where an environment's models come from, when another one trains them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3

from infra import grants

if TYPE_CHECKING:
    from constructs import Construct

    from infra.settings import Promotion

# Not only SageMaker can put events on a bus, but only AWS can put any in the name of `aws.`.
APPROVALS = {
    "source": ["aws.sagemaker"],
    "detail-type": ["SageMaker Model Package State Change"],
}
MODELS = "models/"


@dataclass(frozen=True)
class Source:
    """The group, and what belongs to it.

    Attributes:
        group: the group's name.
        packages: ARN of its packages, as a pattern.
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
    def of(cls, settings: Promotion) -> Source | None:
        """None where the environment serves its own models."""
        if settings.source is None or settings.source_artifacts_bucket is None:
            return None
        return cls(
            partition=settings.source["partition"],
            region=settings.source["region"],
            account=settings.source["account"],
            group=settings.source["name"],
            bucket=settings.source_artifacts_bucket,
            key=settings.source_key,
        )

    @property
    def packages(self) -> str:
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
        return s3.Bucket.from_bucket_name(scope, "SourceArtifacts", self.bucket)

    def let_read(self, role: iam.Role) -> None:
        """Describe the packages, and read their models."""
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["sagemaker:DescribeModelPackage"], resources=[self.packages]
            )
        )
        self.let_read_models(role)

    def let_read_models(self, role: iam.Role) -> None:
        """List and read what the packages' models are made of."""
        grants.read_objects(role, self.artifacts(role), MODELS)
        self.let_decrypt(role)

    def let_decrypt(self, role: iam.IRole) -> None:
        """Use the key of its objects, through S3 alone."""
        if self.key:
            role.add_to_principal_policy(
                iam.PolicyStatement(
                    actions=["kms:Decrypt"],
                    resources=[self.key],
                    conditions={
                        "StringEquals": {"kms:ViaService": f"s3.{self.region}.amazonaws.com"}
                    },
                )
            )

    def let_serve(self, role: iam.Role) -> None:
        """Read the models, and pull the images that serve them."""
        self.let_read_models(role)
        grants.pull_from(role, self.repository)

    def let_tell(self, scope: Construct, name: str) -> None:
        """Lets the source's account put its approvals, and nothing else, on this account's bus.

        In the source's own account there is nothing to allow.
        """
        stack = cdk.Stack.of(scope)
        policy = events.CfnEventBusPolicy(
            scope,
            "ApprovalsFromTheSource",
            statement_id=name,
            statement={
                "Sid": name,
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:{self.partition}:iam::{self.account}:root"},
                "Action": "events:PutEvents",
                "Resource": stack.format_arn(
                    service="events", resource="event-bus", resource_name="default"
                ),
                "Condition": {
                    "StringEquals": {
                        "events:source": APPROVALS["source"][0],
                        "events:detail-type": APPROVALS["detail-type"][0],
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
