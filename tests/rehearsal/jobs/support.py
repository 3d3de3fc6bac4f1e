"""Requests for jobs, and what the tests do with them."""

from __future__ import annotations

import json
import uuid
from typing import Any

from rehearsal import aws
from rehearsal.jobs.backend import ProcessBackend
from rehearsal.settings import RehearsalSettings
from tests.rehearsal.images.support import ROLE, Recorded

_ARN = "arn:aws:sagemaker:us-east-1:000000000000"


def processing(name: str, image: str, bucket: str, **changes: Any) -> dict[str, Any]:
    """A `CreateProcessingJob` request; its one output goes to `out` in the bucket."""
    return {
        "ProcessingJobName": name,
        "RoleArn": ROLE,
        "AppSpecification": {"ImageUri": image},
        "ProcessingResources": instances(1),
        "ProcessingOutputConfig": {
            "Outputs": [
                {
                    "OutputName": "out",
                    "S3Output": {
                        "S3Uri": f"s3://{bucket}/out",
                        "LocalPath": "/opt/ml/processing/output",
                        "S3UploadMode": "EndOfJob",
                    },
                }
            ]
        },
    } | changes


def instances(count: int) -> dict[str, Any]:
    return {
        "ClusterConfig": {
            "InstanceCount": count,
            "InstanceType": "ml.m5.large",
            "VolumeSizeInGB": 1,
        }
    }


def data(
    uri: str, data_type: str = "S3Prefix", distribution: str = "FullyReplicated"
) -> dict[str, Any]:
    """A processing input at `/opt/ml/processing/input/data`."""
    return {
        "InputName": "data",
        "S3Input": {
            "S3Uri": uri,
            "LocalPath": "/opt/ml/processing/input/data",
            "S3DataType": data_type,
            "S3InputMode": "File",
            "S3DataDistributionType": distribution,
        },
    }


def training(name: str, image: str, bucket: str, **changes: Any) -> dict[str, Any]:
    """A `CreateTrainingJob` request; its output goes to `models` in the bucket."""
    return {
        "TrainingJobName": name,
        "RoleArn": ROLE,
        "AlgorithmSpecification": {"TrainingImage": image, "TrainingInputMode": "File"},
        "OutputDataConfig": {"S3OutputPath": f"s3://{bucket}/models"},
        "ResourceConfig": {
            "InstanceCount": 1,
            "InstanceType": "ml.c5.xlarge",
            "VolumeSizeInGB": 1,
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": 600},
    } | changes


def arn_of(wanted: dict[str, Any]) -> str:
    if "ProcessingJobName" in wanted:
        return f"{_ARN}:processing-job/{wanted['ProcessingJobName']}"
    return f"{_ARN}:training-job/{wanted['TrainingJobName']}"


def start(backend: ProcessBackend, wanted: dict[str, Any]) -> Recorded:
    recorded = Recorded([])
    if "ProcessingJobName" in wanted:
        backend.start_processing_job(wanted, arn_of(wanted), recorded)
    else:
        backend.start_training_job(wanted, arn_of(wanted), recorded)
    return recorded


def end_of(recorded: Recorded, wanted: dict[str, Any]) -> dict[str, Any]:
    kind = "Processing" if "ProcessingJobName" in wanted else "Training"
    return recorded.wait_for(f"{kind}JobStatus", "Completed", "Failed", "Stopped")


def run(backend: ProcessBackend, wanted: dict[str, Any]) -> dict[str, Any]:
    """Runs a job; returns all fields that were reported."""
    return end_of(start(backend, wanted), wanted)


def complete(
    settings: RehearsalSettings, backend: ProcessBackend, wanted: dict[str, Any]
) -> dict[str, Any]:
    """Runs a job that is to succeed; returns all fields that were reported."""
    ended = run(backend, wanted)
    kind = "Processing" if "ProcessingJobName" in wanted else "Training"
    name = wanted[f"{kind}JobName"]
    if ended[f"{kind}JobStatus"] != "Completed":
        said = lines(settings, f"/aws/sagemaker/{kind}Jobs", f"{name}/")
        raise AssertionError(f"{ended}, {said}")
    return ended


def role_that_may(settings: RehearsalSettings, *actions: str, **statement: Any) -> str:
    """The ARN of a new role with these actions only, and what one statement more allows."""
    name = f"role-{uuid.uuid4().hex[:8]}"
    principal = {"Service": "sagemaker.amazonaws.com"}
    iam = aws.client(settings, "iam")
    role = iam.create_role(
        RoleName=name,
        AssumeRolePolicyDocument=_policy(Principal=principal, Action="sts:AssumeRole"),
    )["Role"]
    for policy in ({"Action": list(actions)}, *([statement] if statement else [])):
        allowed = _policy(Resource="*", **policy)
        number = len(iam.list_role_policies(RoleName=name)["PolicyNames"])
        iam.put_role_policy(RoleName=name, PolicyName=f"may-{number}", PolicyDocument=allowed)
    return str(role["Arn"])


def _policy(**statement: Any) -> str:
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow"} | statement]}
    return json.dumps(document)


def put(settings: RehearsalSettings, bucket: str, objects: dict[str, bytes]) -> None:
    s3 = aws.client(settings, "s3")
    for key, body in objects.items():
        s3.put_object(Bucket=bucket, Key=key, Body=body)


def get(settings: RehearsalSettings, bucket: str, key: str) -> bytes:
    body = aws.client(settings, "s3").get_object(Bucket=bucket, Key=key)["Body"]
    return bytes(body.read())


def keys(settings: RehearsalSettings, bucket: str, prefix: str) -> list[str]:
    listed = aws.client(settings, "s3").list_objects_v2(Bucket=bucket, Prefix=prefix)
    return sorted(entry["Key"] for entry in listed.get("Contents", []))


def lines(settings: RehearsalSettings, group: str, stream_start: str) -> dict[str, list[str]]:
    """The lines of each log stream whose name starts so."""
    logs = aws.client(settings, "logs")
    streams = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=stream_start)
    return {
        stream["logStreamName"]: [
            event["message"]
            for event in logs.get_log_events(
                logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True
            )["events"]
        ]
        for stream in streams["logStreams"]
    }
