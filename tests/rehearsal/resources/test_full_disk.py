"""A server whose disk is full."""

import os
import shlex
import socket
import subprocess
import sys

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.rehearsal.conftest import REPOSITORY, eventually

MEBIBYTE = 2**20


@pytest.fixture
def s3(tmp_path):
    """S3 of a server whose state folder is a file system of 80 MiB, of which 64 are kept free."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    state = tmp_path / "state"
    state.mkdir()
    root = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    server = shlex.join(
        [sys.executable, "-m", "rehearsal", "--state", str(state), "--port", str(port), "serve"]
    )
    script = f"mount -t tmpfs -o size=80m tmpfs {shlex.quote(str(state))} && exec {server}"
    process = subprocess.Popen(
        ["unshare", *root, "--mount", "sh", "-c", script],
        cwd=REPOSITORY,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    client = boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    try:
        eventually(lambda: _answers(port))
        yield client
    finally:
        process.terminate()
        process.wait(timeout=60)


def _answers(port):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def test_an_object_that_does_not_fit_is_refused_and_those_before_stay(s3):
    s3.create_bucket(Bucket="full")
    s3.put_object(Bucket="full", Key="small", Body=b"kept")

    with pytest.raises(ClientError, match=r"less than 64 MiB free: make room and try again"):
        s3.put_object(Bucket="full", Key="large", Body=bytes(20 * MEBIBYTE))

    listed = s3.list_objects_v2(Bucket="full")["Contents"]
    assert [entry["Key"] for entry in listed] == ["small"]
    assert s3.get_object(Bucket="full", Key="small")["Body"].read() == b"kept"
