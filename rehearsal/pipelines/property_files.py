"""Reads the JSON that Std:JsonGet looks into: property files, and any object of S3.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-propertyfile.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from rehearsal.aws import Role, client
from rehearsal.pipelines.expressions import ExpressionError
from rehearsal.pipelines.model import Step
from rehearsal.pipelines.paths import look_up
from rehearsal.s3_uri import S3Uri
from rehearsal.settings import RehearsalSettings

ReadS3 = Callable[[str], bytes]


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


def property_file_uri(step: Step, name: str, described: Mapping[str, Any]) -> str:
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
