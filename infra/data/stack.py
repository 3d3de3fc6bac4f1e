"""Where images are dropped, executions work and what they made is kept."""

from collections.abc import Sequence
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra import grants
from infra.data.key import environment_key
from infra.function import python_function
from infra.names import (
    ARTIFACTS_BUCKET_NAME,
    DROPS_BUCKET_NAME,
    EMPTIED_TAG,
    INFERENCE_BUCKET_NAME,
    WORKING_BUCKET_NAME,
)
from infra.retention import removal_policy
from infra.settings import Settings

_EMPTIED = "Every object goes when a stack that keeps nothing is destroyed; the bucket is named."


class DataStack(cdk.Stack):
    """The buckets, and the key that encrypts the volumes of jobs and endpoints.

    Attributes:
        drops: `drops/<drop id>/<class label>/<file>` and its marker; sends its events to
            EventBridge.
        working: `executions/<execution id>/…`, and so `checkpoints/` and `tensorboard/`; expires.
        artifacts: models and lineage, kept.
        inference: `captured/…`, what the endpoint answered, and `asynchronous/…`, requests that
            wait and their answers; expires.
        access_logs: who read and wrote the others.
        volume_key: encrypts storage volumes.
        object_key: encrypts objects, and is that key; None where S3's own keys do.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, settings: Settings, **kwargs: Any
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)
        data = settings.data
        self.volume_key = environment_key(self, "VolumeKey", settings)
        self.object_key: kms.IKey | None = (
            self.volume_key if settings.security.customer_managed_keys else None
        )
        self._settings = settings
        self.access_logs = self._bucket("AccessLogs", expire_days=data.access_log_days)
        logs = self.access_logs
        self.drops = self._bucket("Drops", logs)
        _send_events(self.drops)
        self.working = self._bucket("Working", logs, data.working_days)
        self.artifacts = self._bucket("Artifacts", logs)
        self.inference = self._bucket("Inference", logs, data.inference_days)
        # Settings decide whether the serving stack uses it: an export that went with a setting
        # would go before its last use, which CloudFormation refuses.
        self.export_value(self.inference.bucket_name)
        self.export_value(self.inference.bucket_arn)
        if not data.retain:
            buckets = (
                self.drops,
                self.working,
                self.artifacts,
                self.inference,
                self.access_logs,
            )
            Emptier(self, "Emptier", settings=settings, buckets=buckets)
        self._add_outputs()

    def _bucket(
        self, construct_id: str, logs: s3.IBucket | None = None, expire_days: int | None = None
    ) -> s3.Bucket:
        """A versioned, encrypted, TLS-only bucket without public access, of this account alone.

        Args:
            logs: where its access logs go, below a prefix that is the construct's id. The one
                without is where S3 writes those, from the first request to the others on; it can
                with its own keys only.
        """
        data, key = self._settings.data, self.object_key if logs else None
        rules = [
            s3.LifecycleRule(
                id="tidy",
                # One that nobody finished is billed and can't be seen in a listing.
                abort_incomplete_multipart_upload_after=cdk.Duration.days(7),
                noncurrent_version_expiration=cdk.Duration.days(data.noncurrent_days),
                expired_object_delete_marker=True,
            )
        ]
        if expire_days:
            expiration = cdk.Duration.days(expire_days)
            rules.append(s3.LifecycleRule(id="expire", expiration=expiration))
        return s3.Bucket(
            self,
            construct_id,
            versioned=True,
            encryption=s3.BucketEncryption.KMS if key else s3.BucketEncryption.S3_MANAGED,
            encryption_key=key,
            # One data key a bucket for some time saves requests.
            bucket_key_enabled=True if key else None,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            server_access_logs_bucket=logs,
            server_access_logs_prefix=f"{construct_id.lower()}/" if logs else None,
            lifecycle_rules=rules,
            removal_policy=removal_policy(self._settings, resists=logs is None),
        )

    def _add_outputs(self) -> None:
        for name, bucket, description in (
            (DROPS_BUCKET_NAME, self.drops, "Bucket that images are dropped into"),
            (WORKING_BUCKET_NAME, self.working, "Bucket of manifests, shards and evaluations"),
            (ARTIFACTS_BUCKET_NAME, self.artifacts, "Bucket of models and lineage"),
            (INFERENCE_BUCKET_NAME, self.inference, "Bucket of captured and asynchronous answers"),
        ):
            cdk.CfnOutput(self, name, value=bucket.bucket_name, description=description)
        if self.object_key is not None:
            cdk.CfnOutput(
                self,
                "ObjectKeyArn",
                value=self.object_key.key_arn,
                description="Key of its objects, for environments that serve its models",
            )


def _send_events(bucket: s3.Bucket) -> None:
    # CloudFormation can do this itself; `event_bridge_enabled` would bring a Lambda with a wildcard
    # resource.
    resource = bucket.node.default_child
    assert isinstance(resource, s3.CfnBucket)  # noqa: S101 - what the CDK makes it of
    resource.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
        event_bridge_configuration=s3.CfnBucket.EventBridgeConfigurationProperty(
            event_bridge_enabled=True
        )
    )


class Emptier(Construct):
    """Empties buckets when their stack is destroyed, in environments that keep nothing.

    It is a custom resource for each bucket, and the tag without which nothing is deleted in it.

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
