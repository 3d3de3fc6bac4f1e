"""The server as a process: how it is started and stopped, and what it refuses to start on."""

import json
import sqlite3
import subprocess
import sys

import boto3
import pytest
from botocore.exceptions import ClientError

from rehearsal import lifecycle
from rehearsal.authorization import record
from rehearsal.store import Store
from tests.rehearsal.conftest import REPOSITORY


def serve(state, port):
    return subprocess.run(
        [sys.executable, "-m", "rehearsal", "--state", state, "--port", str(port), "serve"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_taken_port_is_refused_in_one_sentence(server, tmp_path):
    refused = serve(tmp_path, server.port)
    assert refused.returncode == 1
    last = refused.stderr.splitlines()[-1]
    assert last.startswith(f"Port {server.port} of 127.0.0.1 can't be used")


def test_a_second_server_on_one_folder_is_refused_in_one_sentence(server):
    refused = serve(server.state, 1)
    assert refused.returncode == 1
    assert "A rehearsal already runs on" in refused.stderr.splitlines()[-1]


def test_nothing_listens_but_on_the_loopback(server):
    """As the kernel lists the sockets of the server's process."""
    inodes = {
        link.readlink().name.removeprefix("socket:[").removesuffix("]")
        for link in (server.proc / "fd").iterdir()
        if str(link.readlink()).startswith("socket:")
    }
    addresses = []
    for table in ("tcp", "tcp6"):
        for line in (server.proc / "net" / table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in inodes:
                addresses.append(fields[1].rpartition(":")[0])
    assert addresses == ["0100007F"]


def test_a_server_is_started_and_stopped_in_the_background_and_keeps_its_port(tmp_path):
    led = lifecycle.start(tmp_path, cache=tmp_path / "cache")
    try:
        assert lifecycle.is_running(tmp_path)
        assert led["REHEARSAL_STATE"] == str(tmp_path)
        assert f"export AWS_ENDPOINT_URL={led['AWS_ENDPOINT_URL']}" in lifecycle.exports(led)
        with pytest.raises(lifecycle.LifecycleError, match="already runs"):
            lifecycle.start(tmp_path)
    finally:
        assert lifecycle.stop(tmp_path)
    assert not lifecycle.is_running(tmp_path)
    assert not lifecycle.stop(tmp_path)
    again = lifecycle.start(tmp_path, cache=tmp_path / "cache")
    assert lifecycle.stop(tmp_path)
    assert again["AWS_ENDPOINT_URL"] == led["AWS_ENDPOINT_URL"]


def test_a_server_that_cannot_start_says_why(server, tmp_path):
    with pytest.raises(lifecycle.LifecycleError, match=r"Port \d+ of 127.0.0.1 can't be used"):
        lifecycle.start(tmp_path, port=server.port)


def test_a_server_that_cannot_take_its_state_up_says_why(tmp_path):
    """Its state's record of a job lacks its status, as no server would have left it."""
    Store(tmp_path / "sagemaker.sqlite").close()
    with sqlite3.connect(tmp_path / "sagemaker.sqlite") as store:
        store.execute(
            "insert into resources (kind, name, parent, arn, record) values (?, ?, ?, ?, ?)",
            ("training-job", "broken", "", "arn:broken", "{}"),
        )
    with pytest.raises(lifecycle.LifecycleError) as raised:
        lifecycle.start(tmp_path, cache=tmp_path / "cache")
    assert f"What {tmp_path} holds could not be taken up" in str(raised.value)
    assert "KeyError('TrainingJobStatus')" in str(raised.value)
    assert not lifecycle.is_running(tmp_path)


def test_ecr_refuses_to_describe_an_image_that_is_not_there(server, name):
    ecr = server.client("ecr")
    ecr.create_repository(repositoryName=name)
    with pytest.raises(ecr.exceptions.ImageNotFoundException):
        ecr.describe_images(repositoryName=name, imageIds=[{"imageTag": "none"}])
    ecr.put_image(repositoryName=name, imageTag="some", imageManifest="{}")
    found = ecr.describe_images(repositoryName=name, imageIds=[{"imageTag": "some"}])
    assert found["imageDetails"][0]["imageTags"] == ["some"]


def test_sagemaker_asks_iam_where_that_is_enforced(tmp_path):
    led = lifecycle.start(tmp_path, cache=tmp_path / "cache", enforce_iam=True)

    def client(service, credentials):
        return boto3.client(
            service,
            region_name="us-east-1",
            endpoint_url=led["AWS_ENDPOINT_URL"],
            aws_access_key_id=credentials["AccessKeyId"],
            aws_secret_access_key=credentials["SecretAccessKey"],
            aws_session_token=credentials.get("SessionToken"),
        )

    def refused(call, **request):
        with pytest.raises(ClientError) as raised:
            call(**request)
        return raised.value.response["Error"]["Code"]

    def document(**statement):
        return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow"} | statement]})

    try:
        root = {"AccessKeyId": "test", "SecretAccessKey": "test"}
        trust = document(Principal={"Service": "sagemaker.amazonaws.com"}, Action="sts:AssumeRole")
        iam = client("iam", root)
        role = iam.create_role(RoleName="job", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        allowed = "arn:aws:sagemaker:us-east-1:000000000000"
        policy = document(
            Action=["sagemaker:DescribeModel", "sagemaker:InvokeEndpointAsync"],
            Resource=[f"{allowed}:model/mine", f"{allowed}:endpoint/mine"],
        )
        iam.put_role_policy(RoleName="job", PolicyName="one", PolicyDocument=policy)
        assumed = client("sts", root).assume_role(RoleArn=role, RoleSessionName="job")
        sagemaker = client("sagemaker", assumed["Credentials"])
        assert refused(sagemaker.describe_model, ModelName="mine") == "ValidationException"
        assert refused(sagemaker.describe_model, ModelName="other") == "AccessDeniedException"
        runtime = client("sagemaker-runtime", assumed["Credentials"])
        asked = {"InputLocation": "s3://bucket/key", "ContentType": "text/plain"}
        asynchronous = runtime.invoke_endpoint_async
        assert refused(asynchronous, EndpointName="mine", **asked) == "ValidationError"
        assert refused(asynchronous, EndpointName="other", **asked) == "AccessDeniedException"
        at_once = runtime.invoke_endpoint
        assert refused(at_once, EndpointName="mine", Body=b"") == "AccessDeniedException"
    finally:
        lifecycle.stop(tmp_path)
    recorded = {(each.action, each.is_allowed) for each in record.read(tmp_path)}
    assert recorded >= {
        ("sagemaker:InvokeEndpointAsync", True),
        ("sagemaker:InvokeEndpointAsync", False),
        ("sagemaker:InvokeEndpoint", False),
    }
