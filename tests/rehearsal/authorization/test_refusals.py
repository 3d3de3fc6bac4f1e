"""A job whose role may not do what SageMaker does as it fails, and says what was refused."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from rehearsal import aws
from rehearsal.authorization.caller import caller
from rehearsal.errors import ApiError
from rehearsal.jobs.backend import ProcessBackend
from rehearsal.pipelines import retries
from rehearsal.settings import RehearsalSettings
from tests.rehearsal.images.support import SAGEMAKERS_OWN
from tests.rehearsal.jobs.support import (
    complete,
    data,
    instances,
    processing,
    put,
    role_that_may,
    run,
    training,
)

ROLE = "narrow"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "sagemaker.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}
PROGRAM = """
import pathlib
print("a line")
pathlib.Path("/opt/ml/processing/output/file").write_text("x")
"""


@pytest.fixture
def allow(settings: RehearsalSettings) -> Iterator[Callable[[list[str]], str]]:
    """Makes the role that may do so much; its ARN."""
    iam = aws.client(settings, "iam")
    arn = iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]

    def put(actions: list[str]) -> str:
        statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_role_policy(RoleName=ROLE, PolicyName="policy", PolicyDocument=policy)
        return str(arn)

    yield put
    iam.delete_role_policy(RoleName=ROLE, PolicyName="policy")
    iam.delete_role(RoleName=ROLE)


@pytest.fixture
def key(settings: RehearsalSettings) -> str:
    return str(aws.client(settings, "kms").create_key()["KeyMetadata"]["KeyId"])


@pytest.mark.parametrize("missing", [*SAGEMAKERS_OWN, "s3:PutObject"])
def test_a_job_fails_for_the_one_action_that_its_role_may_not_do(
    settings: RehearsalSettings,
    backend: ProcessBackend,
    image: Callable[[str], str],
    bucket: str,
    key: str,
    allow: Callable[[list[str]], str],
    missing: str,
) -> None:
    role = allow([each for each in (*SAGEMAKERS_OWN, "s3:PutObject") if each != missing])
    resources = instances(1)
    resources["ClusterConfig"]["VolumeKmsKeyId"] = key
    name = f"without-{missing.replace(':', '-')}"
    wanted = processing(name, image(PROGRAM), bucket, RoleArn=role, ProcessingResources=resources)

    ended = run(backend, wanted)

    assert ended["ProcessingJobStatus"] == "Failed"
    assert ended["FailureReason"].startswith("ClientError: ")
    assert missing in ended["FailureReason"] or missing == "s3:PutObject"
    assert "AccessDenied" in ended["FailureReason"]


def test_a_job_that_may_do_it_all_completes(
    settings: RehearsalSettings,
    backend: ProcessBackend,
    image: Callable[[str], str],
    bucket: str,
    key: str,
    allow: Callable[[list[str]], str],
) -> None:
    resources = instances(1)
    resources["ClusterConfig"]["VolumeKmsKeyId"] = key
    role = allow([*SAGEMAKERS_OWN, "s3:PutObject"])
    wanted = processing("all", image(PROGRAM), bucket, RoleArn=role, ProcessingResources=resources)
    ended = run(backend, wanted)
    assert ended["ProcessingJobStatus"] == "Completed", ended


TRAINS = """
import pathlib
pathlib.Path("/opt/ml/model/weights").write_text("x")
"""
ALL = (*SAGEMAKERS_OWN, "s3:GetObject", "s3:ListBucket", "s3:PutObject")


@pytest.fixture(params=["processing", "training"])
def encrypted(
    request: pytest.FixtureRequest, image: Callable[[str], str], bucket: str
) -> Callable[[str, str], dict[str, Any]]:
    """Makes the request for a job of a role whose output a key encrypts."""

    def of(role: str, key: str) -> dict[str, Any]:
        name = f"encrypted-{uuid.uuid4().hex[:8]}"
        if request.param == "training":
            output = {"S3OutputPath": f"s3://{bucket}/models", "KmsKeyId": key}
            return training(name, image(TRAINS), bucket, RoleArn=role, OutputDataConfig=output)
        wanted = processing(name, image(PROGRAM), bucket, RoleArn=role)
        wanted["ProcessingOutputConfig"]["KmsKeyId"] = key
        return wanted

    return of


def test_a_job_whose_role_may_not_encrypt_with_the_key_of_its_output_fails(
    settings: RehearsalSettings,
    backend: ProcessBackend,
    key: str,
    encrypted: Callable[[str, str], dict[str, Any]],
) -> None:
    role = role_that_may(settings, *ALL, "kms:GenerateDataKey")
    ended = run(backend, encrypted(role, key))
    assert "Failed" in ended.values()
    for part in (f"The role {role} is not able", f"the key {key}", "kms:Encrypt", "AccessDenied"):
        assert part in ended["FailureReason"]


@pytest.mark.parametrize("name", ["id", "ARN", "alias"])
def test_a_job_whose_role_may_completes_whatever_the_key_is_called(
    settings: RehearsalSettings,
    backend: ProcessBackend,
    key: str,
    encrypted: Callable[[str, str], dict[str, Any]],
    name: str,
) -> None:
    kms = aws.client(settings, "kms")
    alias = f"alias/{uuid.uuid4().hex[:8]}"
    kms.create_alias(AliasName=alias, TargetKeyId=key)
    arn = kms.describe_key(KeyId=key)["KeyMetadata"]["Arn"]
    role = role_that_may(settings, *ALL, "kms:GenerateDataKey", "kms:Encrypt")
    complete(settings, backend, encrypted(role, {"id": key, "ARN": arn, "alias": alias}[name]))


def test_a_model_without_a_key_has_the_key_of_s3_that_no_other_account_may_use(
    settings: RehearsalSettings, backend: ProcessBackend, image: Callable[[str], str], bucket: str
) -> None:
    ended = complete(settings, backend, training("keyless", image(TRAINS), bucket))
    place = ended["ModelArtifacts"]["S3ModelArtifacts"].removeprefix(f"s3://{bucket}/")
    found = aws.client(settings, "s3").head_object(Bucket=bucket, Key=place)
    assert (found["ServerSideEncryption"], found["SSEKMSKeyId"]) == ("aws:kms", "alias/aws/s3")


@pytest.mark.parametrize("kind", ["processing", "training"])
@pytest.mark.parametrize(
    ("prefixes", "status"),
    [(["manifests/*", "a/*", "b/*"], "Completed"), (["manifests/*", "a/*"], "Failed")],
)
def test_a_manifest_needs_its_role_to_list_the_bucket_where_its_objects_are(
    settings: RehearsalSettings,
    backend: ProcessBackend,
    image: Callable[[str], str],
    bucket: str,
    kind: str,
    prefixes: list[str],
    status: str,
) -> None:
    names = ["a/c/1", "a/d/2", "b/3"]
    manifest = json.dumps([{"prefix": f"s3://{bucket}/"}, *names]).encode()
    put(settings, bucket, dict.fromkeys(names, b"x") | {"manifests/m": manifest})
    lists = {"Action": "s3:ListBucket", "Condition": {"StringLike": {"s3:prefix": prefixes}}}
    role = role_that_may(settings, *(each for each in ALL if each != "s3:ListBucket"), **lists)
    source = data(f"s3://{bucket}/manifests/m", "ManifestFile")
    name = f"manifest-{uuid.uuid4().hex[:8]}"
    if kind == "training":
        channel = {
            "ChannelName": "data",
            "DataSource": {
                "S3DataSource": {
                    "S3Uri": source["S3Input"]["S3Uri"],
                    "S3DataType": "ManifestFile",
                }
            },
        }
        inputs = {"InputDataConfig": [channel]}
        wanted = training(name, image(TRAINS), bucket, RoleArn=role, **inputs)
    else:
        inputs = {"ProcessingInputs": [source]}
        wanted = processing(name, image(PROGRAM), bucket, RoleArn=role, **inputs)
    ended = run(backend, wanted)
    assert status in ended.values(), ended
    if status == "Failed":
        for part in (role, "s3:ListBucket", f"s3://{bucket}/b/"):
            assert part in ended["FailureReason"]


def _refusal(settings: RehearsalSettings, request: dict[str, Any]) -> ApiError:
    call = caller(aws.Role(settings, "arn:aws:iam::000000000000:role/job", "tests"))
    with pytest.raises(ApiError) as error:
        call("DescribeTrainingJob", request)
    return error.value


@pytest.mark.parametrize("request_", [{}, {"TrainingJobName": 1}, {"Name": "a"}])
def test_a_pipeline_hears_what_its_client_refuses_as_from_sagemaker(
    settings: RehearsalSettings, request_: dict[str, Any]
) -> None:
    error = _refusal(settings, request_)
    assert (error.code, error.status) == ("ValidationException", 400)
    assert "TrainingJobName" in error.message


def test_a_pipeline_that_gets_no_answer_may_try_again(settings: RehearsalSettings) -> None:
    error = _refusal(replace(settings, port=1), {"TrainingJobName": "a"})
    assert retries.of_error(error) == "Step.SERVICE_FAULT"
    assert "Could not connect" in error.message
