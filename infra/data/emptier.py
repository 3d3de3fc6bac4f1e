"""Empties buckets when their stack is destroyed, in environments that keep nothing."""

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra import grants
from infra.function import python_function
from infra.names import EMPTIED_TAG
from infra.settings import Settings

_EMPTIED = "Every object goes when a stack that keeps nothing is destroyed; the bucket is named."


class Emptier(Construct):
    """A custom resource for each bucket, and the tag without which nothing is deleted in it.

    The CDK's own `auto_delete_objects` may change the policy of the buckets too; this can only list
    and delete objects.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        buckets: Sequence[s3.Bucket],
    ) -> None:
        super().__init__(scope, construct_id)
        function = python_function(
            self,
            "Function",
            handler="functions.custom_resources.emptier.handler",
            description="Empties the buckets of a stack that is being destroyed",
            settings=settings,
            environment={"TAG": EMPTIED_TAG},
            timeout=cdk.Duration.minutes(15),
        )
        grants.allow(
            function,
            ["s3:GetBucketTagging", "s3:ListBucketVersions"],
            [bucket.bucket_arn for bucket in buckets],
        )
        grants.allow(
            function,
            ["s3:DeleteObject", "s3:DeleteObjectVersion"],
            [bucket.arn_for_objects("*") for bucket in buckets],
            because=_EMPTIED,
        )
        for bucket in buckets:
            self._empty(bucket, function)

    def _empty(self, bucket: s3.Bucket, function: lambda_.IFunction) -> None:
        cdk.Tags.of(bucket).add(EMPTIED_TAG, "true")
        emptied = cdk.CustomResource(
            self,
            bucket.node.id,
            resource_type="Custom::EmptyBucket",
            service_token=function.function_arn,
            properties={"BucketName": bucket.bucket_name},
        )
        if bucket.policy is not None:
            # By its policy alone others write into it, as S3 does into that of access logs, those
            # of the emptier's own requests too: it goes before the bucket is emptied.
            # https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html
            bucket.policy.node.add_dependency(emptied)
