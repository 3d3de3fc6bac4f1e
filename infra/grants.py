"""Grants that name each action and prefix; the CDK's own allow `s3:GetObject*` and the like."""

from collections.abc import Mapping, Sequence

import aws_cdk as cdk
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3


def model_packages(name: str) -> str:
    """`<group>/<version>` of all packages of the environment `name`, as a pattern for IAM.

    A group has eight digits of its stack's id behind the name; `*` would take the groups of this
    environment's sandboxes in.
    """
    return f"{name}-{'?' * 8}/*"


def read_objects(role: iam.Role, bucket: s3.IBucket, prefix: str) -> None:
    """List and read what lies below `prefix`."""
    list_objects(role, bucket, prefix)
    get_objects(role, bucket, prefix)


def list_objects(role: iam.Role, bucket: s3.IBucket, prefix: str) -> None:
    _list(role, "s3:ListBucket", bucket, prefix)


def get_objects(role: iam.Role, bucket: s3.IBucket, prefix: str) -> None:
    """Read what lies below `prefix`, of which another knows the names."""
    allow(role, ["s3:GetObject"], [bucket.arn_for_objects(f"{prefix}*")])


def read_versions(role: iam.Role, bucket: s3.IBucket, prefix: str) -> None:
    """List and read what lies below `prefix`, each of its versions and the newest."""
    _list(role, "s3:ListBucketVersions", bucket, prefix)
    allow(role, ["s3:GetObject", "s3:GetObjectVersion"], [bucket.arn_for_objects(f"{prefix}*")])


def read_uri(role: iam.Role, uri: str) -> None:
    """List and read what begins with `uri`, as a channel of S3Prefix does, in any bucket."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    read_objects(role, s3.Bucket.from_bucket_name(role, "Bucket", bucket), key)


def write_objects(role: iam.Role, bucket: s3.IBucket, prefix: str) -> None:
    """Write below `prefix`; nothing can be deleted."""
    allow(role, ["s3:PutObject", "s3:AbortMultipartUpload"], [bucket.arn_for_objects(f"{prefix}*")])


def pull_image(role: iam.Role, repository: ecr.IRepository) -> None:
    repository.grant_pull(role)


def see_image(role: iam.Role, repository: ecr.IRepository) -> None:
    """What SageMaker asks of who registers a model with an image of the repository.

    https://docs.aws.amazon.com/sagemaker/latest/dg/model-registry-version.html
    """
    allow(role, ["ecr:BatchGetImage"], [repository.repository_arn])


def pull_from(role: iam.Role, repository_arn: str) -> None:
    """The same from a repository of another account, by its ARN."""
    allow(
        role,
        ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
        [repository_arn],
    )
    allow(role, ["ecr:GetAuthorizationToken"], ["*"])


def encrypt_volumes(role: iam.Role, key: kms.IKey) -> None:
    """What SageMaker asks of a role whose request names a key for storage volumes.

    https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html
    """
    allow(role, ["kms:CreateGrant", "kms:DescribeKey"], [key.key_arn])


def write_job_logs(role: iam.Role, log_group: str) -> None:
    """Write log streams in `/aws/sagemaker/<log_group>`, which SageMaker makes itself."""
    arn = cdk.Stack.of(role).format_arn(
        service="logs",
        resource="log-group",
        resource_name=f"/aws/sagemaker/{log_group}",
        arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
    )
    allow(
        role,
        [
            "logs:CreateLogGroup",
            "logs:CreateLogStream",
            "logs:DescribeLogStreams",
            "logs:PutLogEvents",
        ],
        # CloudWatch Logs names a stream with all of them, an empty one for the group.
        [f"{arn}:log-stream:*"],
    )


def put_metrics(role: iam.Role, namespace: str) -> None:
    """Publish metrics in one namespace; CloudWatch has no ARN for it, hence the condition."""
    role.add_to_policy(
        iam.PolicyStatement(
            actions=["cloudwatch:PutMetricData"],
            resources=["*"],
            conditions={"StringEquals": {"cloudwatch:namespace": namespace}},
        )
    )


def _list(role: iam.Role, action: str, bucket: s3.IBucket, prefix: str) -> None:
    role.add_to_policy(
        iam.PolicyStatement(
            actions=[action],
            resources=[bucket.bucket_arn],
            conditions={"StringLike": {"s3:prefix": [f"{prefix}*"]}},
        )
    )


def allow(
    grantee: iam.IGrantable,
    actions: Sequence[str],
    resources: Sequence[str],
    conditions: Mapping[str, Mapping[str, object]] | None = None,
) -> None:
    """One statement of a role's, or a function's role's, own policy."""
    grantee.grant_principal.add_to_principal_policy(
        iam.PolicyStatement(
            actions=list(actions), resources=list(resources), conditions=dict(conditions or {})
        )
    )
