"""A job whose role may not do what SageMaker does as it fails, and says what was refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from rehearsal import aws
from rehearsal.jobs.backend import ProcessBackend
from rehearsal.settings import RehearsalSettings
from tests.rehearsal.images.support import SAGEMAKERS_OWN
from tests.rehearsal.jobs.support import instances, processing, run

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
def test_a_job_fails_for_the_one_action_that_its_role_may_not_do(  # noqa: PLR0917
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


def test_a_job_that_may_do_it_all_completes(  # noqa: PLR0917
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
