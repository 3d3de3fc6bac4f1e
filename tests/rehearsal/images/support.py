"""What the tests of images, jobs and endpoints share: a MiniStack process and a tiny image in its
ECR.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import textwrap
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from rehearsal import aws
from rehearsal.images import registry
from rehearsal.settings import RehearsalSettings
from tests.rehearsal.conftest import free_port

ROLE = "arn:aws:iam::000000000000:role/job"
REPOSITORY = "images"
# The wheel is on every package index; nothing depends on which one it is.
REQUIREMENTS = (
    "six==1.17.0 --hash=sha256:4721f391ed90541fddacab5acf947aa0d3dc7d27b2e1e8eda2be8970586c3274\n"
)
POST_INSTALL = """\
#!/usr/bin/env bash
set -euo pipefail
python -B -c 'import six; print("post-install sees six", six.__version__)'
touch "$VIRTUAL_ENV/made-by-post-install"
"""
DOCKERFILE = """\
FROM python:3.11-slim
WORKDIR /opt/program
COPY requirements.txt post-install ./
COPY program ./program
ENV FROM_IMAGE=yes PYTHONUNBUFFERED=1
ENTRYPOINT ["python", "-m", "program"]
"""

# What a program that serves begins with: its `Handler` is a `Model`, which `serve` serves.
MODEL = """
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    class Model(BaseHTTPRequestHandler):
        def answer(self, status, body):
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    def serve(handler):
        ThreadingHTTPServer(("0.0.0.0", 8080), handler).serve_forever()
"""


def write_context(folder: Path, program: str, dockerfile: str = DOCKERFILE) -> Path:
    """A build context whose entry point is the Python text `program`."""
    (folder / "program").mkdir(parents=True)
    (folder / "program" / "__main__.py").write_text(textwrap.dedent(program), encoding="utf-8")
    (folder / "Dockerfile").write_text(dockerfile, encoding="utf-8")
    (folder / "requirements.txt").write_text(REQUIREMENTS, encoding="utf-8")
    (folder / "post-install").write_text(POST_INSTALL, encoding="utf-8")
    (folder / "post-install").chmod(0o755)
    return folder


@dataclass
class Recorded:
    """Keeps what a backend reports."""

    changes: list[dict[str, Any]]

    def __call__(self, fields: dict[str, Any]) -> None:
        self.changes.append(fields)

    @property
    def fields(self) -> dict[str, Any]:
        return {name: value for change in list(self.changes) for name, value in change.items()}

    def wait_for(self, key: str, *values: str, seconds: float = 60) -> dict[str, Any]:
        wait_until(
            lambda: self.fields.get(key) in values, f"{key} in {values}: {self.fields}", seconds
        )
        return self.fields


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.05)


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RehearsalSettings]:
    """A rehearsal's settings, with a MiniStack that answers at their endpoint."""
    base = tmp_path_factory.mktemp("rehearsal")
    settings = RehearsalSettings(base / "state", base / "cache", free_port())
    variables = os.environ | {
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(settings.port),
        "IOT_MTLS_ENABLED": "0",
        "AUTH": "true",
    }
    with (base / "ministack.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "ministack"], env=variables, stdout=log, stderr=log
        )
    try:
        wait_until(lambda: _answers(settings), f"MiniStack answers ({base / 'ministack.log'})")
        make_account(settings)
        yield settings
    finally:
        process.terminate()
        process.wait()


def _answers(settings: RehearsalSettings) -> bool:
    with contextlib.suppress(OSError):
        return urllib.request.urlopen(f"{settings.endpoint_url}/_ministack/health").status == 200
    return False


# https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html
SAGEMAKERS_OWN = (
    "ecr:GetAuthorizationToken",
    "ecr:BatchCheckLayerAvailability",
    "ecr:GetDownloadUrlForLayer",
    "ecr:BatchGetImage",
    "logs:CreateLogGroup",
    "logs:CreateLogStream",
    "logs:DescribeLogStreams",
    "logs:PutLogEvents",
    "cloudwatch:PutMetricData",
    "kms:DescribeKey",
    "kms:CreateGrant",
)


def make_account(settings: RehearsalSettings) -> None:
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "sagemaker.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    allowed = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": ["s3:*", "cloudwatch:DescribeAlarms", *SAGEMAKERS_OWN],
                "Resource": "*",
            }
        ],
    }
    iam = aws.client(settings, "iam")
    iam.create_role(RoleName="job", AssumeRolePolicyDocument=json.dumps(trust))
    iam.put_role_policy(RoleName="job", PolicyName="s3", PolicyDocument=json.dumps(allowed))
    aws.client(settings, "ecr").create_repository(repositoryName=REPOSITORY)


@pytest.fixture
def bucket(settings: RehearsalSettings, request: pytest.FixtureRequest) -> str:
    name = f"bucket-{abs(hash(request.node.nodeid)) % 10**9}"
    aws.client(settings, "s3").create_bucket(Bucket=name)
    return name


def push_image(settings: RehearsalSettings, folder: Path, program: str) -> str:
    """Builds an image of the Python text in a new folder, pushes it and returns its URI."""
    images = registry.Images(settings.state)
    built = images.build(write_context(folder, program), "Dockerfile", {}, "local")
    uri = f"000000000000.dkr.ecr.us-east-1.amazonaws.com/{REPOSITORY}:{built.id[:40]}"
    images.tag("local", uri)
    registry.push(images, uri, aws.client(settings, "ecr"))
    return uri


def pulled(settings: RehearsalSettings, uri: str) -> registry.Image:
    """The image that is in ECR under a URI."""
    return registry.find(registry.Images(settings.state), uri, aws.client(settings, "ecr"))


@pytest.fixture
def image(settings: RehearsalSettings, tmp_path: Path) -> Callable[[str], str]:
    """Builds and pushes an image whose entry point is the given Python text; returns its URI."""

    def build(program: str) -> str:
        return push_image(settings, tmp_path / f"context-{len(list(tmp_path.iterdir()))}", program)

    return build


__all__ = [
    "MODEL",
    "ROLE",
    "SAGEMAKERS_OWN",
    "Recorded",
    "bucket",
    "image",
    "make_account",
    "pulled",
    "push_image",
    "settings",
    "wait_until",
    "write_context",
]
