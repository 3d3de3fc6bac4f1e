"""What SageMaker does as the role of a job or a model before its containers start, so that a role
that may not do it fails here as it fails there:
https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html

Each is a call of the role's own clients: what refuses it is IAM's enforcement, and nothing here.
"""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from rehearsal.aws import Role
from rehearsal.images import registry
from rehearsal.logs import make_stream
from rehearsal.settings import RehearsalSettings

# What SageMaker does with a volume's key, on the instances that it makes.
_VOLUME_OPERATIONS = ["Decrypt", "GenerateDataKeyWithoutPlaintext", "CreateGrant", "DescribeKey"]

# AWS's own key of each account: who may use S3 there may use it through S3, and nobody elsewhere.
S3_MANAGED_KEY = "alias/aws/s3"


class AccessDenied(Exception):  # noqa: N818 - AWS's word
    """A role may not do what it must: one sentence, the `FailureReason`."""


@contextlib.contextmanager
def as_role(role: Role, doing: str) -> Iterator[None]:
    """Tells what a role may not do in a sentence.

    Args:
        doing: "to pull the image …".

    Raises:
        AccessDenied: AWS refuses what is done within.
    """
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        why = str(error)
        if isinstance(error, ClientError):
            why = f"{error.response['Error']['Code']}: {error.response['Error']['Message']}"
        raise AccessDenied(
            f"ClientError: The role {role.arn} is not able {doing}: {why}"
        ) from error


def pull_image(settings: RehearsalSettings, role: Role, uri: str) -> registry.Image:
    """https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-push-iam.html

    Raises:
        AccessDenied: the role may not pull it.
        rehearsal.images.errors.ImageError: there is none.
    """
    with as_role(role, f"to pull the image {uri}"):
        ecr = role.client("ecr")
        ecr.get_authorization_token()
        image = registry.find(registry.Images(settings.state), uri, ecr)
        repository = registry.parse(uri).repository
        layer = f"sha256:{image.id}"
        ecr.batch_check_layer_availability(repositoryName=repository, layerDigests=[layer])
        ecr.get_download_url_for_layer(repositoryName=repository, layerDigest=layer)
    return image


def encrypt_volume(role: Role, key_id: str | None) -> None:
    """Lets SageMaker use the key of a storage volume, and takes that back.

    https://docs.aws.amazon.com/kms/latest/developerguide/services-sagemaker.html

    Raises:
        AccessDenied: the role may not.
    """
    if not key_id:
        return
    with as_role(role, f"to use the key {key_id} for its storage volume"):
        kms = role.client("kms")
        kms.describe_key(KeyId=key_id)
        kms.create_grant(KeyId=key_id, GranteePrincipal=role.arn, Operations=_VOLUME_OPERATIONS)


def encrypt_output(role: Role, key_id: str | None) -> None:
    """Tries the key of a job's output: "the SageMaker execution role must include permissions to
    call kms:Encrypt". It is not said that S3 asks for it, as for the data keys of an upload, so it
    does not count as asked through S3 (`kms:ViaService`).

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_OutputDataConfig.html

    Raises:
        AccessDenied: the role may not.
    """
    if not key_id or key_id == S3_MANAGED_KEY:
        return
    with as_role(role, f"to encrypt its output with the key {key_id} (kms:Encrypt)"):
        role.client("kms").encrypt(KeyId=key_id, Plaintext=b"SageMaker")


def write_logs(role: Role, group: str, stream: str) -> None:
    """Makes a log group and a stream, where they are not there yet.

    Raises:
        AccessDenied: the role may not.
    """
    with as_role(role, f"to write logs to {group}"):
        logs = role.client("logs")
        make_stream(logs, group, stream)
        logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=stream)


def put_disk_use(role: Role, namespace: str, dimensions: list[dict[str, str]], path: Path) -> None:
    """How full the disk of `path` is, in percent, as one of the metrics of an instance:
    https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html

    Raises:
        AccessDenied: the role may not put metrics into the namespace.
    """
    use = shutil.disk_usage(path)
    datum = {
        "MetricName": "DiskUtilization",
        "Dimensions": dimensions,
        "Value": 100 * use.used / use.total,
        "Unit": "Percent",
    }
    with as_role(role, f"to put metrics into {namespace}"):
        role.client("cloudwatch").put_metric_data(Namespace=namespace, MetricData=[datum])
