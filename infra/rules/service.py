"""SageMaker's own model of its requests and answers, as botocore has it."""

from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

import botocore.session
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StructureShape


class Operation(NamedTuple):
    """What a type of step calls.

    Attributes:
        create: the operation that takes its Arguments.
        generated: the member that SageMaker Pipelines fills in, if any.
        describe: the operation whose answer holds its properties.
    """

    create: str
    generated: str | None
    describe: str


OPERATIONS: Mapping[str, Operation] = {
    "Processing": Operation("CreateProcessingJob", "ProcessingJobName", "DescribeProcessingJob"),
    "Training": Operation("CreateTrainingJob", "TrainingJobName", "DescribeTrainingJob"),
    "Transform": Operation("CreateTransformJob", "TransformJobName", "DescribeTransformJob"),
    "Model": Operation("CreateModel", "ModelName", "DescribeModel"),
    "RegisterModel": Operation("CreateModelPackage", None, "DescribeModelPackage"),
}
"""By type of step. Those that call nothing, Condition and Fail, are not among them."""
WITHOUT_OPERATION = ("Condition", "Fail")


@cache
def model() -> ServiceModel:
    return botocore.session.get_session().get_service_model("sagemaker")


def request(step_type: str) -> StructureShape:
    """What the Arguments of a type of step have to be.

    Raises:
        KeyError: no such type is known here.
    """
    return _structure(model().operation_model(OPERATIONS[step_type].create).input_shape)


def property_of(step_type: str, path: list[str]) -> Shape | None:
    """What a step's property is; None where there is none of that name.

    https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-properties.html

    Args:
        path: e.g. `["ModelArtifacts", "S3ModelArtifacts"]`; an item of a list by its name.
    """
    if step_type not in OPERATIONS:
        return None
    shape: Shape | None = model().operation_model(OPERATIONS[step_type].describe).output_shape
    for part in path:
        shape = _inside(shape, part)
    return shape


def _inside(shape: Shape | None, part: str) -> Shape | None:
    if isinstance(shape, StructureShape):
        return shape.members.get(part)
    if isinstance(shape, ListShape):
        return shape.member
    return shape.value if isinstance(shape, MapShape) else None


def _structure(shape: Shape | None) -> StructureShape:
    assert isinstance(shape, StructureShape)  # noqa: S101 - each operation takes a structure
    return shape
