"""What CreatePipeline refuses in a pipeline definition."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from rehearsal import service_model
from rehearsal.errors import validation
from rehearsal.pipelines.arguments import check_property, mistake
from rehearsal.pipelines.conditions import parse_conditions
from rehearsal.pipelines.definition import (
    Definition,
    PipelineStep,
    arguments_of_its_own,
    check_default,
    parse,
)
from rehearsal.pipelines.graph import in_order, upstream
from rehearsal.pipelines.references import (
    FUNCTIONS,
    Reference,
    calls_in,
    is_expression,
    references_in,
)
from rehearsal.pipelines.steps import STEP_TYPES, ResourceStep

_MOST_PARAMETERS = 200
_EXECUTION_VARIABLES = (
    "PipelineName",
    "PipelineArn",
    "PipelineExecutionId",
    "PipelineExecutionArn",
    "StartDateTime",
    "CurrentDateTime",
)
# Only inside the Arguments of a job, for its own name.
_JOB_VARIABLES = ("TrainingJobName", "ProcessingJobName", "TransformJobName")


def validate(body: str) -> None:
    """Refuses a definition that CreatePipeline would, before anything runs.

    Raises:
        ApiError: ValidationException, with one sentence about the first mistake.
    """
    longest = service_model.max_length("PipelineDefinition")
    if len(body) > longest:
        raise validation(
            f"The pipeline definition has {len(body)} characters: shorten it to {longest}."
        )
    definition = parse(body)
    if len(definition.parameters) > _MOST_PARAMETERS:
        raise validation(
            f"The pipeline definition has {len(definition.parameters)} parameters: "
            f"keep at most {_MOST_PARAMETERS}."
        )
    _check(definition)


def _check(definition: Definition) -> None:
    for parameter in definition.parameters.values():
        check_default(parameter)
    for step in definition.steps.values():
        _check_type(step)
        _check_property_files(step)
        _check_depends_on(definition, step)
        _check_functions(f"Step '{step.name}'", arguments_of_its_own(step))
        for reference in _references(f"Step '{step.name}'", arguments_of_its_own(step)):
            _check_reference(definition, step, reference)
        _check_property_files_are_read(step)
    _check_experiment(definition)
    in_order(upstream(definition))
    for step in definition.steps.values():
        _check_arguments(definition, step)


def _check_type(step: PipelineStep) -> None:
    if step.type not in STEP_TYPES:
        raise validation(
            f"Step '{step.name}' is of type '{step.type}', which the rehearsal doesn't run: "
            f"use one of {', '.join(STEP_TYPES)}."
        )


def _check_property_files(step: PipelineStep) -> None:
    outputs = step.arguments.get("ProcessingOutputConfig", {}).get("Outputs", [])
    names = [output.get("OutputName") for output in outputs if isinstance(output, dict)]
    for file in step.property_files:
        if file.output_name not in names and not any(is_expression(name) for name in names):
            raise validation(
                f"Property file '{file.property_file_name}' of step '{step.name}' lies in the "
                f"output '{file.output_name}', which the step does not have."
            )


def _check_property_files_are_read(step: PipelineStep) -> None:
    arguments = arguments_of_its_own(step)
    named = Counter(
        reference.text
        for reference in references_in(arguments)
        if reference.kind == "property file"
    )
    read = Counter(
        argument["PropertyFile"]["Get"]
        for function, argument in calls_in(arguments)
        if function == "Std:JsonGet" and "PropertyFile" in argument
    )
    for text in named - read:
        name = text.rpartition(".")[2]
        raise validation(
            f"Step '{step.name}' reads the property file '{name}' with Get: use Std:JsonGet."
        )


def _check_depends_on(definition: Definition, step: PipelineStep) -> None:
    for name in step.depends_on:
        if name not in definition.steps:
            raise validation(
                f"Step '{step.name}' depends on the step '{name}', which does not exist."
            )
        if definition.steps[name].type == "Fail":
            raise validation(
                f"Step '{step.name}' can not depend on '{name}': a Fail step ends the execution."
            )


def _check_functions(where: str, value: Any) -> None:
    for function, argument in calls_in(value):
        if function not in FUNCTIONS:
            raise validation(
                f"{where} calls '{function}', which the rehearsal doesn't know: "
                f"use one of {', '.join(FUNCTIONS)}."
            )
        if function == "Std:Join" and not _is_join(argument):
            raise validation(f"{where} has a Std:Join without a list of Values: give it one.")
        if function == "Std:JsonGet" and not _is_json_get(argument):
            raise validation(
                f"{where} has a Std:JsonGet that needs a Path and either a PropertyFile or an "
                "S3Uri: give it these two."
            )


def _is_join(argument: Any) -> bool:
    return isinstance(argument, dict) and isinstance(argument.get("Values"), list)


def _is_json_get(argument: Any) -> bool:
    if not isinstance(argument, dict) or "Path" not in argument:
        return False
    if "PropertyFile" in argument:
        file = argument["PropertyFile"]
        return "S3Uri" not in argument and isinstance(file, dict) and "Get" in file
    return "S3Uri" in argument


def _references(where: str, value: Any) -> Iterator[Reference]:
    try:
        yield from references_in(value)
    except ValueError as error:
        raise validation(f"{where} is wrong: {error}.") from error


def _check_reference(definition: Definition, step: PipelineStep, reference: Reference) -> None:
    if reference.is_of_step:
        _check_step_reference(definition, step, reference)
        return
    known = {
        "parameter": tuple(definition.parameters),
        "execution variable": _EXECUTION_VARIABLES + _JOB_VARIABLES,
        "experiment property": tuple(definition.experiment),
    }[reference.kind]
    if reference.name not in known:
        raise validation(
            f"Step '{step.name}' refers to '{reference.text}', but there is no {reference.kind} "
            f"'{reference.name}': there is {', '.join(known) or 'none'}."
        )


def _check_step_reference(definition: Definition, step: PipelineStep, reference: Reference) -> None:
    target = definition.steps.get(reference.name)
    if target is None:
        raise validation(
            f"Step '{step.name}' refers to '{reference.text}', but the step '{reference.name}' "
            "does not exist."
        )
    if reference.kind == "property":
        check_property(step, target, reference)
    elif not any(file.property_file_name == reference.path[0] for file in target.property_files):
        raise validation(
            f"Step '{step.name}' reads the property file '{reference.path[0]}', which step "
            f"'{target.name}' does not declare: add it to its PropertyFiles."
        )


def _check_experiment(definition: Definition) -> None:
    where = "PipelineExperimentConfig"
    known = {"parameter": tuple(definition.parameters), "execution variable": _EXECUTION_VARIABLES}
    _check_functions(where, dict(definition.experiment))
    for reference in _references(where, dict(definition.experiment)):
        if reference.name not in known.get(reference.kind, ()):
            raise validation(f"{where} refers to '{reference.text}', which is not known there.")


def _check_arguments(definition: Definition, step: PipelineStep) -> None:
    kind = STEP_TYPES[step.type]
    if step.type == "Condition":
        _check_conditions(step)
    elif isinstance(kind, ResourceStep):
        found = mistake(kind, step.arguments, definition.parameters)
        if found is not None:
            raise validation(
                f"The Arguments of step '{step.name}' don't fit {kind.operation}: {found}."
            )


def _check_conditions(step: PipelineStep) -> None:
    try:
        parse_conditions(step.arguments.get("Conditions"))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise validation(
            f"Step '{step.name}' has a wrong condition at {place}: {first['msg']}."
        ) from error
