"""Credentials of a job's role that end before the job does."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import boto3
import pytest
from botocore.exceptions import ClientError

from rehearsal import aws
from rehearsal.jobs.backend import ProcessBackend
from rehearsal.jobs.credentials import CredentialsEndpoint
from rehearsal.settings import RehearsalSettings
from tests.rehearsal.images.support import ROLE
from tests.rehearsal.jobs.support import complete, get, lines, processing, training

Image = Callable[[str], str]

LIFE_SECONDS = 3
# The container outlives what it is given at first, and asks again as an SDK would.
PROGRAM = """
    import json, os, time, urllib.request
    from pathlib import Path

    def asked():
        request = urllib.request.Request(
            os.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"],
            headers={"Authorization": os.environ["AWS_CONTAINER_AUTHORIZATION_TOKEN"]},
        )
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    found = [asked()]
    time.sleep(4)
    found.append(asked())
    Path("/opt/ml/processing/output/found.json").write_text(json.dumps(found))
    print("done", sorted(name for name in os.environ if name.startswith("AWS_")))
"""


@pytest.fixture
def hasty(settings: RehearsalSettings) -> Iterator[ProcessBackend]:
    backend = ProcessBackend(settings, grace_seconds=2, credential_seconds=LIFE_SECONDS)
    yield backend
    backend.close()


def test_a_processing_job_that_outlives_its_credentials_has_others_and_delivers(
    settings: RehearsalSettings, hasty: ProcessBackend, image: Image, bucket: str
) -> None:
    complete(settings, hasty, processing("hasty", image(PROGRAM), bucket))

    first, last = json.loads(get(settings, bucket, "out/found.json"))
    assert first["AccessKeyId"] != last["AccessKeyId"]
    assert first["RoleArn"] == ROLE
    (said,) = lines(settings, "/aws/sagemaker/ProcessingJobs", "hasty/").values()
    # SageMaker sets AWS_REGION only, and no credentials that would end.
    assert said == [
        "done ['AWS_CONTAINER_AUTHORIZATION_TOKEN', 'AWS_CONTAINER_CREDENTIALS_FULL_URI', "
        "'AWS_ENDPOINT_URL', 'AWS_REGION']"
    ]
    old = boto3.session.Session(
        first["AccessKeyId"], first["SecretAccessKey"], first["Token"], settings.region
    )
    with pytest.raises(ClientError, match=r"ExpiredToken|InvalidAccessKeyId"):
        old.client("s3", endpoint_url=settings.endpoint_url).list_buckets()


def test_a_training_job_that_outlives_its_credentials_delivers_its_model(
    settings: RehearsalSettings, hasty: ProcessBackend, image: Image, bucket: str
) -> None:
    program = """
        import time
        time.sleep(4)
        open("/opt/ml/model/weights", "w").write("1")
        open("/opt/ml/checkpoints/last", "w").write("2")
    """
    kept = {"S3Uri": f"s3://{bucket}/checkpoints"}
    wanted = training("hasty", image(program), bucket, CheckpointConfig=kept)

    complete(settings, hasty, wanted)

    assert get(settings, bucket, "models/hasty/output/model.tar.gz")
    assert get(settings, bucket, "checkpoints/last") == b"2"


def test_an_sdk_renews_what_a_container_is_lent(
    settings: RehearsalSettings, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = CredentialsEndpoint()
    issued = endpoint.issue(aws.Role(settings, ROLE, "issued", LIFE_SECONDS))
    for name, value in issued.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    s3 = boto3.session.Session(region_name="us-east-1").client(
        "s3", endpoint_url=settings.endpoint_url
    )
    s3.put_object(Bucket=bucket, Key="first", Body=b"1")

    ended = datetime.now(UTC).timestamp() + LIFE_SECONDS
    while datetime.now(UTC).timestamp() <= ended:
        time.sleep(0.1)
    s3.put_object(Bucket=bucket, Key="last", Body=b"2")
    endpoint.revoke(issued)
    status, _ = endpoint.answer("/v2/credentials", issued["AWS_CONTAINER_AUTHORIZATION_TOKEN"])
    endpoint.close()

    assert get(settings, bucket, "last") == b"2"
    assert status == 403


def test_nobody_has_credentials_without_the_token(settings: RehearsalSettings) -> None:
    endpoint = CredentialsEndpoint()
    issued = endpoint.issue(aws.Role(settings, ROLE, "issued"))
    token = issued["AWS_CONTAINER_AUTHORIZATION_TOKEN"]

    refused = [endpoint.answer("/v2/credentials", ""), endpoint.answer("/v2/other", token)]
    endpoint.close()

    assert [status for status, _ in refused] == [403, 403]


def test_a_client_that_is_held_outlives_its_credentials(
    settings: RehearsalSettings, bucket: str
) -> None:
    s3 = aws.Role(settings, ROLE, "held", 2).client("s3")
    s3.put_object(Bucket=bucket, Key="first", Body=b"1")

    time.sleep(2.5)

    s3.put_object(Bucket=bucket, Key="last", Body=b"2")
    assert get(settings, bucket, "last") == b"2"
