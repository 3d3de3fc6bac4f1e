"""Evaluates the expressions in a step's Arguments: Get, Std:Join, and Std:JsonGet with the property
files and objects of S3 that it reads.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-propertyfile.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from rehearsal.aws import Role, client
from rehearsal.pipelines.definition import PipelineStep, Value
from rehearsal.pipelines.references import (
    FUNCTIONS,
    is_expression,
    look_up,
    parse_path,
    parse_reference,
)
from rehearsal.s3_uri import S3Uri
from rehearsal.settings import RehearsalSettings

ReadS3 = Callable[[str], bytes]
"""The content of the object at an S3 URI."""


class ExpressionError(Exception):
    """An expression has no value; the message is one sentence for FailureReason."""


@dataclass(frozen=True)
class Scope:
    """Where an expression finds values.

    Attributes:
        properties: step name -> what the step's Describe operation answered.
        property_file: (step name, property file name) -> parsed JSON.
        json_at: S3 URI -> parsed JSON. The three raise ExpressionError.
    """

    parameters: Mapping[str, Value]
    execution: Mapping[str, str]
    experiment: Mapping[str, str]
    properties: Callable[[str], Any]
    property_file: Callable[[str, str], Any]
    json_at: Callable[[str], Any]


def evaluate(value: Any, scope: Scope) -> Any:
    """Replace every expression inside a JSON value by its value; raises ExpressionError."""
    if is_expression(value):
        function, argument = next(iter(value.items()))
        return _call(function, argument, scope)
    if isinstance(value, dict):
        return {key: evaluate(member, scope) for key, member in value.items()}
    if isinstance(value, list):
        return [evaluate(item, scope) for item in value]
    return value


def as_text(value: Any) -> str:
    """A value as Std:Join writes it: booleans as `true` and `false`."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, str | int | float):
        return str(value)
    raise ExpressionError(f"Std:Join can't join a value of type {type(value).__name__}.")


def _call(function: str, argument: Any, scope: Scope) -> Any:
    match function:
        case "Get":
            return _get(argument, scope)
        case "Std:Join":
            values = evaluate(argument["Values"], scope)
            return str(argument.get("On", "")).join(as_text(v) for v in values)
        case "Std:JsonGet":
            return _json_get(argument, scope)
    raise ExpressionError(f"'{function}' is not one of the functions {', '.join(FUNCTIONS)}.")


def _get(text: str, scope: Scope) -> Any:
    try:
        reference = parse_reference(text)
        match reference.kind:
            case "parameter":
                return scope.parameters[reference.name]
            case "execution variable":
                return scope.execution[reference.name]
            case "experiment property":
                return scope.experiment[reference.name]
            case "property":
                return look_up(scope.properties(reference.name), reference.path)
            case "property file":
                raise ExpressionError(f"'{text}' is a property file: read it with Std:JsonGet.")
    except (LookupError, ValueError) as error:
        raise ExpressionError(f"'{text}' has no value: {_reason(error)}.") from error


def _json_get(argument: Mapping[str, Any], scope: Scope) -> Any:
    path = str(evaluate(argument["Path"], scope))
    document, where = _document(argument, scope)
    try:
        return look_up(document, parse_path(path))
    except (LookupError, ValueError) as error:
        raise ExpressionError(
            f"Std:JsonGet found nothing at '{path}' in {where}: {_reason(error)}."
        ) from error


def _document(argument: Mapping[str, Any], scope: Scope) -> tuple[Any, str]:
    if "PropertyFile" in argument:
        reference = parse_reference(argument["PropertyFile"]["Get"])
        if reference.kind != "property file":
            raise ExpressionError(f"'{reference.text}' is no property file.")
        file = str(reference.path[0])
        where = f"property file '{file}' of step '{reference.name}'"
        return scope.property_file(reference.name, file), where
    uri = str(evaluate(argument["S3Uri"], scope))
    return scope.json_at(uri), uri


def _reason(error: Exception) -> str:
    return str(error.args[0]) if error.args else type(error).__name__


def s3_reader(settings: RehearsalSettings, role: Role | None = None) -> ReadS3:
    """Reads objects of the rehearsal's S3 by URI, as `role` where it is given."""

    def read_s3(uri: str) -> bytes:
        place = S3Uri.parse(uri)
        s3 = role.client("s3") if role else client(settings, "s3")
        answer = s3.get_object(Bucket=place.bucket, Key=place.key)
        return bytes(answer["Body"].read())

    return read_s3


def read_json(uri: str, read_s3: ReadS3) -> Any:
    """The JSON at an S3 URI; raises ExpressionError when it can't be had or isn't JSON."""
    try:
        return json.loads(read_s3(uri))
    except (ClientError, BotoCoreError, OSError) as error:
        raise ExpressionError(f"Std:JsonGet can't read {uri}: {error}.") from error
    except ValueError as error:
        raise ExpressionError(f"Std:JsonGet needs JSON, and {uri} isn't: {error}.") from error


def property_file_uri(step: PipelineStep, name: str, described: Mapping[str, Any]) -> str:
    """Where a property file lies: below the output that its declaration names.

    described: what DescribeProcessingJob answered. Raises ExpressionError.
    """
    declared = {file.property_file_name: file for file in step.property_files}
    if name not in declared:
        raise ExpressionError(f"Step '{step.name}' declares no property file '{name}'.")
    file = declared[name]
    path = ("ProcessingOutputConfig", "Outputs", file.output_name, "S3Output", "S3Uri")
    try:
        folder = str(look_up(described, path))
    except LookupError as error:
        raise ExpressionError(
            f"Step '{step.name}' has no output '{file.output_name}' for property file '{name}'."
        ) from error
    return f"{folder.rstrip('/')}/{file.file_path}"
