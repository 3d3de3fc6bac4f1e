"""Where an environment's models come from, when another one trains them."""

from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra import grants
from infra.names import MODEL_PACKAGE_CHANGED, MODELS
from infra.settings import Promotion


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
            partition=settings.source["partition"],
            region=settings.source["region"],
            account=settings.source["account"],
            group=settings.source["name"],
            bucket=settings.source_artifacts_bucket,
            key=settings.source_key,
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
