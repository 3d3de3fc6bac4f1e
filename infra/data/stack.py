"""Where images are dropped, executions work and what they made is kept."""

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.data.bucket import private_bucket
from infra.data.emptier_resource import Emptier
from infra.data.key import environment_key
from infra.settings import Settings


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
        emptied: the buckets that are emptied when the stack is destroyed.
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
        self.access_logs = private_bucket(
            self, "AccessLogs", settings=data, expire=(_expire(data.access_log_days),)
        )
        self.drops = private_bucket(
            self, "Drops", settings=data, key=self.object_key, access_logs=self.access_logs
        )
        _send_events(self.drops)
        self.working = private_bucket(
            self,
            "Working",
            settings=data,
            key=self.object_key,
            access_logs=self.access_logs,
            expire=(_expire(data.working_days),),
        )
        self.artifacts = private_bucket(
            self, "Artifacts", settings=data, key=self.object_key, access_logs=self.access_logs
        )
        self.inference = private_bucket(
            self,
            "Inference",
            settings=data,
            key=self.object_key,
            access_logs=self.access_logs,
            expire=(_expire(data.inference_days),),
        )
        # Settings decide whether the serving stack uses it: an export that went with a setting
        # would go before its last use, which CloudFormation refuses.
        for used in (self.inference.bucket_name, self.inference.bucket_arn):
            self.export_value(used)
        every_bucket = [
            self.drops,
            self.working,
            self.artifacts,
            self.inference,
            self.access_logs,
        ]
        self.emptied = [] if data.retain else every_bucket
        if self.emptied:
            Emptier(self, "Emptier", settings=settings, buckets=self.emptied)
        self._output("DropsBucketName", self.drops, "Bucket that images are dropped into")
        self._output(
            "WorkingBucketName", self.working, "Bucket of manifests, shards and evaluations"
        )
        self._output("ArtifactsBucketName", self.artifacts, "Bucket of models and lineage")
        self._output(
            "InferenceBucketName", self.inference, "Bucket of captured and asynchronous answers"
        )

        if self.object_key is not None:
            cdk.CfnOutput(
                self,
                "ObjectKeyArn",
                value=self.object_key.key_arn,
                description="Key of its objects, for environments that serve its models",
            )

    def _output(self, name: str, bucket: s3.Bucket, description: str) -> None:
        cdk.CfnOutput(self, name, value=bucket.bucket_name, description=description)


def _expire(days: int) -> s3.LifecycleRule:
    return s3.LifecycleRule(id="expire", expiration=cdk.Duration.days(days))


def _send_events(bucket: s3.Bucket) -> None:
    # CloudFormation can do this itself; `event_bridge_enabled` would bring a Lambda with a wildcard
    # resource.
    resource = bucket.node.default_child
    assert isinstance(resource, s3.CfnBucket)  # noqa: S101
    resource.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
        event_bridge_configuration=s3.CfnBucket.EventBridgeConfigurationProperty(
            event_bridge_enabled=True
        )
    )
