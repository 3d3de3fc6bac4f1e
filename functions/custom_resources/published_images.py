"""Fails the deployment of images that SageMaker would not take."""

import json
import logging
import urllib.request
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, TypedDict

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient

logger = logging.getLogger(__name__)
logger.setLevel(logging.INFO)

TAKEN = "application/vnd.docker.distribution.manifest.v2+json"
"""One image in Docker's own schema 2. CreateModel answers any other with "Unsupported manifest
media type": https://github.com/aws/amazon-sagemaker-feedback/issues/180
"""
# Three images, each asked for as often as that, and the answer fit into the function's time.
_CLIENT = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 3})
_ALL = [
    TAKEN,
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
]


class Image(TypedDict):
    """Where an image lies in ECR."""

    Repository: str
    Tag: str


class _Properties(TypedDict):
    Images: list[Image]


class Request(TypedDict):
    """What CloudFormation asks of a custom resource.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requesttypes.html
    """

    RequestType: Literal["Create", "Update", "Delete"]
    ResponseURL: str
    StackId: str
    RequestId: str
    LogicalResourceId: str
    ResourceProperties: _Properties


class NotTakenError(Exception):
    """An image is not in ECR, or has a form that SageMaker does not take."""


def handler(event: Request, context: object) -> None:
    """Answers CloudFormation in any case: without an answer it would wait for an hour."""
    kind = event["RequestType"]
    try:
        if kind != "Delete":
            client = boto3.client("ecr", config=_CLIENT)
            # An update that is rolled back asks for the images of before, which may be gone: no
            # rollback fails for that. Of another update the CDK has published all of them.
            check(client, event["ResourceProperties"]["Images"], missing_fails=kind == "Create")
    except Exception as error:
        logger.exception("The images cannot be used.")
        _answer(event, "FAILED", str(error))
    else:
        _answer(event, "SUCCESS", "")


def check(client: "ECRClient", images: Sequence[Image], *, missing_fails: bool) -> None:
    """Raises:
    NotTakenError: see there; the message says of which images and what to do.
    """
    refused = []
    for image in images:
        name = f"{image['Repository']}:{image['Tag']}"
        found = _media_type(client, image)
        if found is None:
            if missing_fails:
                raise NotTakenError(f"The image {name} is not in ECR: deploy the stack again.")
            logger.warning("%s is not in ECR.", name)
        elif found != TAKEN:
            refused.append(f"{name} ({found})")
        else:
            logger.info("%s is %s.", name, found)
    if refused:
        raise NotTakenError(
            f"SageMaker does not take the manifests of {', '.join(refused)}: build them with "
            "Docker's BuildKit, which --output=type=docker tells to write Docker's own schema 2. "
            "Delete these images in ECR and the local ones (cdkasset-...), as none that is there "
            "is built again, and deploy again (docs/deploying.md)."
        )


def _media_type(client: "ECRClient", image: Image) -> str | None:
    """Of the image's manifest; None where ECR has no such image."""
    answer = client.batch_get_image(
        repositoryName=image["Repository"],
        imageIds=[{"imageTag": image["Tag"]}],
        # All of them, so that ECR converts nothing.
        acceptedMediaTypes=_ALL,
    )
    if not answer["images"]:
        return None
    return answer["images"][0].get("imageManifestMediaType", "of no known type")


def _answer(event: Request, status: str, reason: str) -> None:
    body = {
        "Status": status,
        "Reason": reason,
        # Always the same: there is nothing to replace, and nothing to delete.
        "PhysicalResourceId": "published-images",
        **{key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")},
    }
    request = urllib.request.Request(  # noqa: S310 - CloudFormation's own URL
        event["ResponseURL"],
        data=json.dumps(body).encode(),
        headers={"Content-Type": ""},
        method="PUT",
    )
    urllib.request.urlopen(request, timeout=20).close()  # noqa: S310
