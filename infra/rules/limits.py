"""What SageMaker limits in a definition as a whole.

Limits of a single argument are in botocore's model of the request: see `arguments`.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from infra.assembly import Definition
from infra.rules.finding import Finding
from infra.rules.service import model

# https://docs.aws.amazon.com/general/latest/gr/sagemaker.html
MOST_STEPS = 50
MOST_PARAMETERS = 200
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Parameter.html
LONGEST_PARAMETER = 1024
# Characters that the names of a step's jobs have of the step's own.
_STEP_PART = 20
_TYPES: dict[str, tuple[type, ...]] = {
    "String": (str,),
    "Integer": (int,),
    "Float": (int, float),
    "Boolean": (bool,),
}


def of_definition(definition: Definition, size: int) -> Iterator[Finding]:
    """Size and counts.

    Args:
        size: characters of the definition's JSON, as CloudFormation hands it over.
    """
    for what, count, most in (
        ("characters", size, longest_definition()),
        ("steps", len(definition.steps), MOST_STEPS),
        ("parameters", len(definition.content.get("Parameters", [])), MOST_PARAMETERS),
    ):
        if count > most:
            yield _finding(
                what.capitalize(),
                f"{count:,} {what} are more than SageMaker's {most:,}: make it smaller, or two "
                "pipelines of it",
            )
    for parameter in definition.content.get("Parameters", []):
        yield from _of_parameter(parameter)


def step_names(names: Iterable[str]) -> Iterator[Finding]:
    """A job can be told to be of its step by its name.

    Args:
        names: of all steps that start jobs.
    """
    known: dict[str, str] = {}
    for name in names:
        other = known.setdefault(name[:_STEP_PART].casefold(), name)
        if other != name:
            yield Finding(
                name,
                "step-names",
                "Name",
                f"SageMaker cuts it to {_STEP_PART} characters in its jobs' names, where it would "
                f"be {other} too: let the beginnings differ",
            )


def longest_definition() -> int:
    """Characters."""
    shape = model().operation_model("CreatePipeline").input_shape
    return int(shape.members["PipelineDefinition"].metadata["max"])  # type: ignore[union-attr]


def _of_parameter(parameter: dict[str, Any]) -> Iterator[Finding]:
    path, default = f"Parameters.{parameter['Name']}", parameter.get("DefaultValue")
    if default is None:
        return
    if len(str(default)) > LONGEST_PARAMETER:
        yield _finding(
            path,
            f"the default has {len(str(default)):,} characters, more than {LONGEST_PARAMETER:,}: "
            "shorten it",
        )
    types = _TYPES.get(parameter["Type"], ())
    is_wrong_boolean = isinstance(default, bool) and parameter["Type"] != "Boolean"
    if not isinstance(default, types) or is_wrong_boolean:
        yield _finding(path, f"the default {default!r} is no {parameter['Type']}: give one")


def _finding(path: str, wrong: str) -> Finding:
    return Finding("pipeline", "limits", path, wrong)
