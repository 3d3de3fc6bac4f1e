"""The one way a bucket is made here."""

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.retention import kept
from infra.settings import Data

# A multipart upload that nobody finished is billed and can't be seen in a listing.
_UNFINISHED_UPLOAD = cdk.Duration.days(7)


def private_bucket(  # noqa: PLR0913 - CDK props
    scope: Construct,
    construct_id: str,
    *,
    settings: Data,
    key: kms.IKey | None = None,
    access_logs: s3.IBucket | None = None,
    expire: tuple[s3.LifecycleRule, ...] = (),
) -> s3.Bucket:
    """A versioned, encrypted, TLS-only bucket without public access, owned by this account alone.

    Args:
        key: encrypts its objects, by one data key a bucket for some time, which saves requests;
            None for S3's own keys, the only ones that access logs can be written with.
        access_logs: where its access logs go, below a prefix that is the construct's id; none for
            the log bucket itself.
        expire: further lifecycle rules.
    """
    return s3.Bucket(
        scope,
        construct_id,
        versioned=True,
        encryption=s3.BucketEncryption.KMS if key else s3.BucketEncryption.S3_MANAGED,
        encryption_key=key,
        bucket_key_enabled=True if key else None,
        enforce_ssl=True,
        minimum_tls_version=1.2,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
        server_access_logs_bucket=access_logs,
        server_access_logs_prefix=f"{construct_id.lower()}/" if access_logs else None,
        lifecycle_rules=[_tidy(settings), *expire],
        # S3 writes access logs into the one that has none, from the first request to the others on.
        removal_policy=kept(settings.retain, resists=access_logs is None),
    )


def _tidy(settings: Data) -> s3.LifecycleRule:
    return s3.LifecycleRule(
        id="tidy",
        abort_incomplete_multipart_upload_after=_UNFINISHED_UPLOAD,
        noncurrent_version_expiration=cdk.Duration.days(settings.noncurrent_days),
        expired_object_delete_marker=True,
    )
