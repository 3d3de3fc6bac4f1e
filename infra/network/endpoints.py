"""The doors of the VPC, and what passes them."""

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.names import bucket_and_key
from infra.settings import Settings

_READ = ("s3:ListBucket", "s3:ListBucketVersions", "s3:GetObject", "s3:GetObjectVersion")
_WRITE = ("s3:PutObject", "s3:AbortMultipartUpload")
# What FetchServingModel asks; no other container calls anything but S3.
_ASK = (
    "sagemaker:DescribeEndpoint",
    "sagemaker:DescribeEndpointConfig",
    "sagemaker:DescribeModel",
    "sagemaker:DescribeModelPackage",
)


class Endpoints(Construct):
    """A gateway to S3, which costs nothing, and an interface to the SageMaker API.

    Their policies take only this account's identities, and only to this environment's buckets and
    those that settings name to read from, so that nothing is carried out with credentials from
    elsewhere or to a bucket elsewhere.
    https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html
    """

    def __init__(  # noqa: PLR0913 - CDK props
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        vpc_id: str,
        route_table: str,
        subnets: Sequence[str],
        security_group: str,
        buckets: Sequence[s3.IBucket],
    ) -> None:
        super().__init__(scope, construct_id)
        ec2.CfnVPCEndpoint(
            self,
            "S3",
            vpc_id=vpc_id,
            service_name=self._service("s3"),
            vpc_endpoint_type="Gateway",
            route_table_ids=[route_table],
            policy_document=self._policy(*_of_s3(settings, buckets)),
        )
        ec2.CfnVPCEndpoint(
            self,
            "SageMakerApi",
            vpc_id=vpc_id,
            service_name=self._service("sagemaker.api"),
            vpc_endpoint_type="Interface",
            subnet_ids=list(subnets),
            security_group_ids=[security_group],
            private_dns_enabled=True,
            policy_document=self._policy((_ASK, ["*"])),
        )

    def _service(self, name: str) -> str:
        return f"com.amazonaws.{cdk.Stack.of(self).region}.{name}"

    def _policy(self, *allowed: tuple[Sequence[str], Sequence[str]]) -> iam.PolicyDocument:
        own = {"StringEquals": {"aws:PrincipalAccount": cdk.Stack.of(self).account}}
        return iam.PolicyDocument(
            statements=[
                iam.PolicyStatement(
                    principals=[iam.AnyPrincipal()],
                    actions=list(actions),
                    resources=list(resources),
                    conditions=own,
                )
                for actions, resources in allowed
            ]
        )


def _of_s3(
    settings: Settings, buckets: Sequence[s3.IBucket]
) -> list[tuple[Sequence[str], Sequence[str]]]:
    own = [arn for bucket in buckets for arn in (bucket.bucket_arn, bucket.arn_for_objects("*"))]
    allowed: list[tuple[Sequence[str], Sequence[str]]] = [((*_READ, *_WRITE), own)]
    foreign = [settings.promotion.source_artifacts_bucket]
    if weights := settings.training.weights_uri:
        foreign.append(bucket_and_key(weights)[0])
    for bucket in filter(None, foreign):
        arn = f"arn:{cdk.Aws.PARTITION}:s3:::{bucket}"
        allowed.append((_READ, [arn, f"{arn}/*"]))
    return allowed
