"""A server whose ECR has a tiny model server's image."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable
from typing import Any

import pytest

from rehearsal.images import environments
from rehearsal.settings import RehearsalSettings
from tests.rehearsal.conftest import ROLE, Server, eventually
from tests.rehearsal.images.support import MODEL, REPOSITORY, pulled, push_image

_numbers = itertools.count(1)

# It answers with what it was asked, and keeps count of what it has to do at a time.
SERVER = (
    MODEL
    + """
    import json, os, threading, time

    lock = threading.Lock()
    now = most = asked = 0

    class Handler(Model):
        def do_GET(self):
            if self.path == "/execution-parameters" and "CONCURRENCY" in os.environ:
                own = {"MaxConcurrentTransforms": int(os.environ["CONCURRENCY"])}
                return self.answer(200, json.dumps(own).encode())
            self.answer(200 if self.path == "/ping" else 404, b"")

        def do_POST(self):
            global now, most, asked
            body = self.rfile.read(int(self.headers["content-length"]))
            with lock:
                now, asked = now + 1, asked + 1
                most = max(most, now)
            if body.startswith(b"sleep "):
                time.sleep(float(body.split()[1]))
            with lock:
                now -= 1
            if body == b"bad":
                return self.answer(400, b"no image")
            if body == b"busy" and asked == 1:
                return self.answer(503, b"later")
            self.answer(200, json.dumps({
                "body": body.decode(errors="replace")[:20],
                "type": self.headers["content-type"],
                "accept": self.headers["accept"],
                "process": os.getpid(),
                "host": started,
                "most": most,
                "batch": {key: value for key, value in os.environ.items()
                          if key.startswith("SAGEMAKER_")},
            }).encode())

    started = time.time_ns()
    print("serving", flush=True)
    serve(Handler)
"""
)


@pytest.fixture(scope="session")
def image(server: Server, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URI of the image of `SERVER`."""
    settings = RehearsalSettings(server.state, server.state / "cache", server.port)
    ecr = server.client("ecr")
    with contextlib.suppress(ecr.exceptions.RepositoryAlreadyExistsException):
        ecr.create_repository(repositoryName=REPOSITORY)
    uri = push_image(settings, tmp_path_factory.mktemp("image") / "context", SERVER)
    # Here, as the server has no way to a package index.
    program = pulled(settings, uri).program
    environments.ensure(program, cache=settings.cache, report=print)
    return uri


@pytest.fixture
def name() -> str:
    """A name that no other test has; also of its model and bucket."""
    return f"transform-{next(_numbers)}"


@pytest.fixture
def model(sagemaker: Any, image: str, name: str) -> Callable[..., str]:
    def make(**variables: str) -> str:
        container = {"Image": image, "Environment": variables}
        sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer=container)
        return name

    return make


@pytest.fixture
def job_request(s3: Any, name: str) -> Callable[..., dict[str, Any]]:
    """Puts inputs, and gives the request of a job on them."""

    def make(inputs: dict[str, bytes], instances: int = 1, **more: Any) -> dict[str, Any]:
        for key, body in inputs.items():
            s3.put_object(Bucket=name, Key=f"in/{key}", Body=body)
        source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{name}/in/"}
        return {
            "TransformJobName": name,
            "ModelName": name,
            "TransformInput": {
                "DataSource": {"S3DataSource": source},
                "ContentType": "image/png",
                "SplitType": "None",
            },
            "TransformOutput": {
                "S3OutputPath": f"s3://{name}/out",
                "Accept": "application/json",
            },
            "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": instances},
        } | more

    return make


@pytest.fixture
def start(
    sagemaker: Any, job_request: Callable[..., dict[str, Any]], name: str
) -> Callable[..., str]:
    """Puts inputs, and starts a job on them."""

    def job(inputs: dict[str, bytes], instances: int = 1, **more: Any) -> str:
        sagemaker.create_transform_job(**job_request(inputs, instances, **more))
        return name

    return job


@pytest.fixture
def ended(sagemaker: Any, name: str) -> Callable[[], dict[str, Any]]:
    def wait() -> dict[str, Any]:
        def found() -> dict[str, Any] | None:
            job: dict[str, Any] = sagemaker.describe_transform_job(TransformJobName=name)
            running = job["TransformJobStatus"] in {"InProgress", "Stopping"}
            return None if running else job

        job: dict[str, Any] = eventually(found)
        return job

    return wait


@pytest.fixture
def outputs(s3: Any, name: str) -> Callable[[], dict[str, bytes]]:
    """What lies at the output path, by the key below it."""

    def read() -> dict[str, bytes]:
        found = s3.list_objects_v2(Bucket=name, Prefix="out/").get("Contents", [])
        return {
            each["Key"].removeprefix("out/"): s3.get_object(Bucket=name, Key=each["Key"])[
                "Body"
            ].read()
            for each in found
        }

    return read
