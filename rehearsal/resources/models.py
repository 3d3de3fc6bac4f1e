"""Models.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sagemaker-model.html
"""

from botocore.exceptions import BotoCoreError, ClientError

from rehearsal import aws
from rehearsal.cloudformation import SageMakerType
from rehearsal.errors import validation
from rehearsal.images import registry
from rehearsal.images.errors import ImageError
from rehearsal.resources import model_packages
from rehearsal.resources.context import Context, Handler, Record
from rehearsal.resources.kind import ResourceKind
from rehearsal.resources.paging import Listing
from rehearsal.resources.vpc import MODEL_PERMISSIONS, check_vpc

KIND = ResourceKind(
    "model",
    "Model",
    Listing("ListModels", name="ModelName"),
    missing='Could not find model "{arn}".',
    duplicate='Cannot create already existing model "{arn}".',
)


class Model(SageMakerType):
    """`AWS::SageMaker::Model`."""

    replacing = (
        "ModelName",
        "Containers",
        "EnableNetworkIsolation",
        "ExecutionRoleArn",
        "InferenceExecutionConfig",
        "PrimaryContainer",
        "VpcConfig",
    )


def _create_model(context: Context, request: Record) -> Record:
    containers = containers_of(request)
    if not containers:
        raise validation("Give PrimaryContainer or Containers: a model needs at least one.")
    role_arn = request.get("ExecutionRoleArn", "")
    check_vpc(context, request.get("VpcConfig"), role_arn, MODEL_PERMISSIONS)
    for image in (image for container in containers for image in _images(context, container)):
        _check_image(context, image)
    more = {"EnableNetworkIsolation": request.get("EnableNetworkIsolation", False)}
    with context.store.transaction():
        for container in containers:
            _check_container(context, container)
        record = KIND.create(context, request, more)
    _send_event(context, record)
    return {"ModelArn": record["ModelArn"]}


def containers_of(model: Record) -> list[Record]:
    """A model's containers, in the order of their requests."""
    primary = [model["PrimaryContainer"]] if model.get("PrimaryContainer") else []
    return [*primary, *model.get("Containers", [])]


def _delete_model(context: Context, request: Record) -> Record:
    with context.store.transaction():
        found = KIND.get(context, request["ModelName"])
        KIND.delete(context, request)
    _send_event(context, found.record)
    return {}


def _send_event(context: Context, model: Record) -> None:
    detail = {"ModelName": model["ModelName"], "ModelArn": model["ModelArn"]}
    context.events.send("SageMaker Model State Change", detail, [model["ModelArn"]])


def _images(context: Context, container: Record) -> list[str]:
    """Its own, or those of its model package."""
    if package := container.get("ModelPackageName"):
        described = model_packages.get(context, package)
        offered = described.get("InferenceSpecification", {}).get("Containers", [])
        return [each["Image"] for each in offered]
    return [container["Image"]] if "Image" in container else []


def _check_image(context: Context, image: str) -> None:
    """Of an image that is in ECR, as https://github.com/aws/amazon-sagemaker-feedback/issues/180
    has AWS's words.

    Raises:
        ApiError: it has a manifest of OCI's.
    """
    try:
        place = registry.parse(image)
        (found,) = aws.client(context.settings, "ecr").batch_get_image(
            registryId=place.account,
            repositoryName=place.repository,
            imageIds=[place.identifier],
        )["images"]
    except (ImageError, BotoCoreError, ClientError, ValueError):
        return  # Where there is none the model does not come up, as on AWS.
    kind = found.get("imageManifestMediaType", "")
    if kind.startswith("application/vnd.oci."):
        raise validation(f"Unsupported manifest media type {kind} for image {image}.")


def _check_container(context: Context, container: Record) -> None:
    package = container.get("ModelPackageName")
    if package is None:
        if not container.get("Image"):
            raise validation("A container needs an Image or a ModelPackageName: it has neither.")
        return
    described = model_packages.get(context, package)
    status = described.get("ModelApprovalStatus")
    if status not in (None, "Approved"):
        raise validation(
            f"The model package {package} is {status}: approve it before a model is made of it."
        )
    offered = described.get("InferenceSpecification", {}).get("Containers", [])
    if "Environment" in container and any("Environment" in each for each in offered):
        # An empty map of the package counts: https://github.com/aws/sagemaker-python-sdk/issues/3397
        raise validation(
            f"Environment variable map cannot be specified both at Model Package {package} and "
            f"Model {container['Environment']}"
        )


OPERATIONS: dict[str, Handler] = {
    "CreateModel": _create_model,
    "DescribeModel": KIND.describe,
    "DeleteModel": _delete_model,
    "ListModels": KIND.list_all,
}
