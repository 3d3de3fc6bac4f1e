"""Grants that name each action and prefix, and say why a wildcard in them has to be.

The CDK's own grants allow `s3:GetObject*` and the like. What cdk-nag finds of these here
(`AwsSolutions-IAM5`) is acknowledged where it is granted, finding by finding: a wildcard without a
reason fails the synthesis.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import IConstruct

from infra.names import bucket_and_key
from infra.suppressions.cdk_nag import acknowledge_wildcard

_OBJECTS = (
    "S3 objects have the names that a producer or an execution gives them; the prefix is all that "
    "is known before."
)
_LOG_STREAMS = "SageMaker names the log streams when it starts the hosts; the log group is named."
_METRICS = (
    "cloudwatch:PutMetricData has no resource to name; a condition narrows it to one namespace."
)
_ECR_LOGIN = (
    "ecr:GetAuthorizationToken has no resource to name; the token alone gives access to no "
    "repository."
)
_EXECUTIONS = "SageMaker names an execution when it starts it; the pipeline is named."
_JOBS = "SageMaker Pipelines names each job when it starts it, with the prefix pipelines-."
_PACKAGES = (
    "A model package is numbered when it is registered; only those of this environment's groups "
    "match."
)
_STACK_ID = (
    "CloudFormation puts a random id at the end of a stack's ARN; the stack's name is in full."
)


def allow(
    grantee: iam.IGrantable,
    actions: Sequence[str],
    resources: Sequence[str],
    conditions: Mapping[str, Mapping[str, object]] | None = None,
    *,
    because: str | None = None,
) -> None:
    """Adds one statement to a role's, or a function's role's, own policy.

    Args:
        because: why resources have a wildcard, a sentence; it is acknowledged for cdk-nag.
    """
    principal = grantee.grant_principal
    assert isinstance(principal, iam.Role)  # noqa: S101 - all of ours are
    principal.add_to_policy(
        iam.PolicyStatement(
            actions=list(actions), resources=list(resources), conditions=dict(conditions or {})
        )
    )
    if because:
        for resource in resources:
            if "*" in resource:
                acknowledge_wildcard(principal, resource, because)


def read_objects(role: iam.IGrantable, bucket: s3.IBucket, prefix: str) -> None:
    """List and read what lies below `prefix`."""
    list_objects(role, bucket, prefix)
    get_objects(role, bucket, prefix)


def list_objects(role: iam.IGrantable, bucket: s3.IBucket, prefix: str) -> None:
    """List what lies below `prefix`; it tells what is not there from what may not be read."""
    _list(role, "s3:ListBucket", bucket, prefix)


def get_objects(role: iam.IGrantable, bucket: s3.IBucket, prefix: str) -> None:
    """Read what lies below `prefix`, of which another knows the names."""
    get_object(role, bucket, f"{prefix}*")


def get_object(role: iam.IGrantable, bucket: s3.IBucket, key: str) -> None:
    """Read one object, or those whose keys match a pattern."""
    allow(role, ["s3:GetObject"], [bucket.arn_for_objects(key)], because=_OBJECTS)


def put_object(role: iam.IGrantable, bucket: s3.IBucket, key: str) -> None:
    """Write one object, or those whose keys match a pattern, in one request each."""
    allow(role, ["s3:PutObject"], [bucket.arn_for_objects(key)], because=_OBJECTS)


def read_versions(role: iam.IGrantable, bucket: s3.IBucket, prefix: str) -> None:
    """List and read what lies below `prefix`, each of its versions and the newest."""
    _list(role, "s3:ListBucketVersions", bucket, prefix)
    allow(
        role,
        ["s3:GetObject", "s3:GetObjectVersion"],
        [bucket.arn_for_objects(f"{prefix}*")],
        because=_OBJECTS,
    )


def read_uri(role: iam.Role, uri: str) -> None:
    """List and read what begins with `uri`, as a channel of S3Prefix does, in any bucket."""
    bucket, key = bucket_and_key(uri)
    read_objects(role, s3.Bucket.from_bucket_name(role, "Bucket", bucket), key)


def write_objects(role: iam.IGrantable, bucket: s3.IBucket, prefix: str) -> None:
    """Write below `prefix`; nothing can be deleted."""
    allow(
        role,
        ["s3:PutObject", "s3:AbortMultipartUpload"],
        [bucket.arn_for_objects(f"{prefix}*")],
        because=_OBJECTS,
    )


def pull_image(role: iam.Role, repository: ecr.IRepository) -> None:
    """Pull the images of a repository, by the CDK's own grant."""
    repository.grant_pull(role)
    acknowledge_wildcard(role, "*", _ECR_LOGIN)


def see_image(role: iam.Role, repository: ecr.IRepository) -> None:
    """What SageMaker asks of who registers a model with an image of the repository.

    https://docs.aws.amazon.com/sagemaker/latest/dg/model-registry-version.html
    """
    allow(role, ["ecr:BatchGetImage"], [repository.repository_arn])


def pull_image_by_arn(role: iam.Role, repository_arn: str) -> None:
    """Pull the images of a repository of another account."""
    allow(
        role,
        ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
        [repository_arn],
    )
    allow(role, ["ecr:GetAuthorizationToken"], ["*"], because=_ECR_LOGIN)


def encrypt_volumes(role: iam.Role, key: kms.IKey) -> None:
    """What SageMaker asks of a role whose request names a key for storage volumes.

    https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html
    """
    allow(role, ["kms:CreateGrant", "kms:DescribeKey"], [key.key_arn])


def write_job_logs(role: iam.Role, log_group: str) -> None:
    """Write log streams in `/aws/sagemaker/<log_group>`, which SageMaker makes itself."""
    allow(
        role,
        [
            "logs:CreateLogGroup",
            "logs:CreateLogStream",
            "logs:DescribeLogStreams",
            "logs:PutLogEvents",
        ],
        # CloudWatch Logs names a stream with all of them, an empty one for the group.
        [f"{log_group_arn(role, f'/aws/sagemaker/{log_group}')}:log-stream:*"],
        because=_LOG_STREAMS,
    )


def put_metrics(role: iam.IGrantable, namespace: str) -> None:
    """Publish metrics in one namespace; CloudWatch has no ARN for it, hence the condition."""
    allow(
        role,
        ["cloudwatch:PutMetricData"],
        ["*"],
        {"StringEquals": {"cloudwatch:namespace": namespace}},
        because=_METRICS,
    )


def pipeline_arn(scope: IConstruct | iam.IGrantable, name: str) -> str:
    """ARN of a pipeline by its name, which is no reference to its stack."""
    return arn_of(scope, "sagemaker", "pipeline", name)


def use_executions(role: iam.IGrantable, pipeline: str, actions: Sequence[str]) -> None:
    """Do these with each execution of a pipeline, by its name."""
    allow(role, actions, [f"{pipeline_arn(role, pipeline)}/execution/*"], because=_EXECUTIONS)


def use_jobs(role: iam.IGrantable, resource: str, actions: Sequence[str]) -> None:
    """Do these with the jobs of pipelines, each a `processing-job` or a `training-job`."""
    # SageMaker Pipelines names its jobs "pipelines-<execution id>-<step>-<random>".
    arn = arn_of(role, "sagemaker", resource, "pipelines-*")
    allow(role, actions, [arn], because=_JOBS)


def use_model_packages(role: iam.IGrantable, packages: str, actions: Sequence[str]) -> None:
    """Do these with model packages, whose ARNs are a pattern like that of `model_packages`."""
    allow(role, actions, [packages], because=_PACKAGES)


def model_packages(scope: IConstruct | iam.IGrantable, name: str) -> str:
    """ARNs of all packages of the environment `name`, as a pattern.

    A group has eight digits of its stack's id behind the name; `*` would take the groups of this
    environment's sandboxes in.
    """
    return arn_of(scope, "sagemaker", "model-package", f"{name}-{'?' * 8}/*")


def use_stack(role: iam.IGrantable, stack_name: str, actions: Sequence[str]) -> None:
    """Do these with one CloudFormation stack, by its name."""
    arn = arn_of(role, "cloudformation", "stack", f"{stack_name}/*")
    allow(role, actions, [arn], because=_STACK_ID)


def arn_of(scope: IConstruct | iam.IGrantable, service: str, resource: str, name: str) -> str:
    """`arn:…:<service>:…:<resource>/<name>` in the account and Region of the scope's stack."""
    return _stack(scope).format_arn(service=service, resource=resource, resource_name=name)


def log_group_arn(scope: IConstruct | iam.IGrantable, name: str) -> str:
    """ARN of a log group of the account, without the asterisk at its end."""
    return _stack(scope).format_arn(
        service="logs",
        resource="log-group",
        resource_name=name,
        arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
    )


def _stack(scope: Any) -> cdk.Stack:
    return cdk.Stack.of(scope)


def _list(role: iam.IGrantable, action: str, bucket: s3.IBucket, prefix: str) -> None:
    condition = {"StringLike": {"s3:prefix": [f"{prefix}*"]}}
    allow(role, [action], [bucket.bucket_arn], condition)
