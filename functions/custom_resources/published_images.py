"""Fails the deployment of images that SageMaker would not take."""

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypedDict

import boto3

from .request import Context, Request, answers, client_config

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient

logger = logging.getLogger(__name__)

TAKEN = "application/vnd.docker.distribution.manifest.v2+json"
"""One image in Docker's own schema 2. CreateModel answers any other with "Unsupported manifest
media type": https://github.com/aws/amazon-sagemaker-feedback/issues/180
"""
# Three images, each asked for as often as that, and the answer fit into the function's time.
_CLIENT = client_config()
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


class NotTakenError(Exception):
    """An image is not in ECR, or has a form that SageMaker does not take."""


# Always the same id: there is nothing to replace, and nothing to delete.
@answers(lambda _: "published-images")
def handler(event: Request, context: Context) -> None:
    """Sees that SageMaker takes the `Images`."""
    kind = event["RequestType"]
    if kind != "Delete":
        client = boto3.client("ecr", config=_CLIENT)
        # An update that is rolled back asks for the images of before, which may be gone: no
        # rollback fails for that. Of another update the CDK has published all of them.
        check(client, event["ResourceProperties"]["Images"], missing_fails=kind == "Create")


def check(client: "ECRClient", images: Sequence[Image], *, missing_fails: bool) -> None:
    """Asks ECR for the media type of each image's manifest.

    Args:
        missing_fails: Whether an image that ECR does not have is an error too.

    Raises:
        NotTakenError: SageMaker does not take one, which the message names.
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
