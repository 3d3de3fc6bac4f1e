"""Fails the deployment of images that SageMaker would not take."""

import json
import logging
import urllib.request
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, TypedDict

import boto3

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient

logger = logging.getLogger(__name__)
logger.setLevel(logging.INFO)

TAKEN = "application/vnd.docker.distribution.manifest.v2+json"
"""One image in Docker's own schema 2. CreateModel answers any other with "Unsupported manifest
media type": https://github.com/aws/amazon-sagemaker-feedback/issues/180
"""
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
    try:
        if event["RequestType"] != "Delete":
            check(boto3.client("ecr"), event["ResourceProperties"]["Images"])
    except Exception as error:
        logger.exception("The images cannot be used.")
        _answer(event, "FAILED", str(error))
    else:
        _answer(event, "SUCCESS", "")


def check(client: "ECRClient", images: Sequence[Image]) -> None:
    """:raises NotTakenError: see there; the message says of which image and what to do."""
    for image in images:
        name = f"{image['Repository']}:{image['Tag']}"
        # All of them, so that ECR converts nothing.
        answer = client.batch_get_image(
            repositoryName=image["Repository"],
            imageIds=[{"imageTag": image["Tag"]}],
            acceptedMediaTypes=_ALL,
        )
        if not answer["images"]:
            raise NotTakenError(f"The image {name} is not in ECR: deploy the stack again.")
        found = answer["images"][0].get("imageManifestMediaType", "of no known type")
        if found != TAKEN:
            raise NotTakenError(
                f"The image {name} has a manifest {found}, which SageMaker does not take: build it "
                "with Docker's BuildKit, which --output=type=docker tells to write Docker's own "
                "schema 2, delete the image in ECR, and deploy again (docs/deploying.md)."
            )
        logger.info("%s is %s.", name, found)


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
