"""Small pipeline definitions, as JSON."""

from __future__ import annotations

import json
from typing import Any

IMAGE = "000000000000.dkr.ecr.us-east-1.amazonaws.com/image:1"
ROLE = "arn:aws:iam::000000000000:role/pipeline"


def definition(*steps: dict[str, Any], parameters: Any = (), **more: Any) -> str:
    document = {"Version": "2020-12-01", "Parameters": list(parameters), "Steps": list(steps)}
    return json.dumps(document | more)


def parameter(name: str, type_: str = "String", **more: Any) -> dict[str, Any]:
    return {"Name": name, "Type": type_, **more}


def processing(name: str, arguments: Any = (), after: Any = (), **more: Any) -> dict[str, Any]:
    """A processing step with one output, `out`, and the container arguments given."""
    output = {
        "OutputName": "out",
        "S3Output": {
            "S3Uri": f"s3://bucket/{name}",
            "LocalPath": "/opt/ml/processing/output",
            "S3UploadMode": "EndOfJob",
        },
    }
    cluster = {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 30}
    request = {
        "AppSpecification": {
            "ImageUri": IMAGE,
            "ContainerEntrypoint": ["run"],
            **({"ContainerArguments": list(arguments)} if arguments else {}),
        },
        "ProcessingResources": {"ClusterConfig": cluster},
        "ProcessingOutputConfig": {"Outputs": [output]},
        "RoleArn": ROLE,
    }
    depends = {"DependsOn": list(after)} if after else {}
    return {"Name": name, "Type": "Processing", "Arguments": request, **depends, **more}


def condition(
    name: str,
    *conditions: dict[str, Any],
    then: Any = (),
    otherwise: Any = (),
    **more: Any,
) -> dict[str, Any]:
    arguments = {
        "Conditions": list(conditions),
        "IfSteps": list(then),
        "ElseSteps": list(otherwise),
    }
    return {"Name": name, "Type": "Condition", "Arguments": arguments, **more}


def fail(name: str, message: Any = "no") -> dict[str, Any]:
    return {"Name": name, "Type": "Fail", "Arguments": {"ErrorMessage": message}}


def equals(left: Any, right: Any) -> dict[str, Any]:
    return {"Type": "Equals", "LeftValue": left, "RightValue": right}


def get(reference: str) -> dict[str, str]:
    return {"Get": reference}


def join(*values: Any, on: str = "") -> dict[str, Any]:
    return {"Std:Join": {"On": on, "Values": list(values)}}


def out_of(step: str) -> dict[str, str]:
    """The S3 URI of the output `out` of a processing step."""
    return get(f"Steps.{step}.ProcessingOutputConfig.Outputs['out'].S3Output.S3Uri")
