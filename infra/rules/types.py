"""What an expression becomes when it is evaluated, as far as a definition says it."""

from collections.abc import Mapping
from typing import Any

from infra.assembly import Definition
from infra.rules import service
from infra.rules.expressions import parts

# https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-variables.html
EXECUTION_VARIABLES = (
    "CurrentDateTime",
    "PipelineArn",
    "PipelineExecutionArn",
    "PipelineExecutionId",
    "PipelineName",
    "ProcessingJobName",
    "StartDateTime",
    "TrainingJobName",
    "TransformJobName",
)
_OF_SHAPES = {
    "string": "String",
    "integer": "Integer",
    "long": "Integer",
    "float": "Float",
    "double": "Float",
    "boolean": "Boolean",
    "timestamp": "String",
}
_TAKEN = {"Float": ("Float", "Integer")}


def type_of(expression: Mapping[str, Any], definition: Definition) -> str | None:
    """`String`, `Integer`, `Float` or `Boolean`; None where only the execution knows.

    Raises:
        LookupError: it refers to what is not there; the message says to what.
    """
    if "Std:Join" in expression:
        return "String"
    if "Get" not in expression:
        return None
    kind, _, rest = str(expression["Get"]).partition(".")
    match kind:
        case "Parameters":
            return _of_parameter(rest, definition)
        case "Execution":
            if rest in EXECUTION_VARIABLES:
                return "String"
        case "Steps":
            return _of_property(parts(rest), definition)
    raise LookupError(f"there is no {expression['Get']}")


def fits(found: str | None, shape_type: str) -> bool:
    """Does SageMaker take a value of a type where it wants a shape of botocore's type?"""
    wanted = _OF_SHAPES.get(shape_type)
    return found is None or wanted is None or found in _TAKEN.get(wanted, (wanted,))


def _of_parameter(name: str, definition: Definition) -> str:
    for parameter in definition.content.get("Parameters", []):
        if parameter["Name"] == name:
            return str(parameter["Type"])
    raise LookupError(f"there is no parameter {name}")


def _of_property(path: list[str], definition: Definition) -> str | None:
    step, *members = path
    if step not in definition.steps:
        raise LookupError(f"there is no step {step}")
    if members and members[0] == "PropertyFiles":
        return None
    step_type = definition.steps[step]["Type"]
    shape = service.property_of(step_type, members)
    if shape is None:
        raise LookupError(f"a {step_type} step has no property {'.'.join(members)}")
    return _OF_SHAPES.get(shape.type_name)
