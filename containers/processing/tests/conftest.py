"""A real S3 API for the tests, and a bench that runs CreateManifests against it."""

import hashlib
import json
import os
import socket
import subprocess
import time
import urllib.request
import uuid
from pathlib import Path

import boto3
import pyarrow.parquet as pq
import pytest
from tests.throttling_proxy import throttled

from processing.common.container import run
from processing.create_manifests import create_manifests


@pytest.fixture(scope="session")
def s3_endpoint(tmp_path_factory):
    """The URL of a MiniStack that lives as long as the session."""
    python = os.environ.get("MINISTACK_PYTHON")
    if not python:
        pytest.fail("Set MINISTACK_PYTHON to a Python that has ministack, as ./scripts/test does.")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {"BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), "IOT_MTLS_ENABLED": "0"}
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | settings
    log = tmp_path_factory.mktemp("ministack") / "log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [python, "-m", "ministack"],
            env=environment,
            cwd=log.parent,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until_it_answers(server, f"{url}/_ministack/health", log)
        yield url
    finally:
        server.terminate()
        server.wait(20)


def wait_until_it_answers(server, url, log):
    for _ in range(600):
        if server.poll() is not None:
            break
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"MiniStack does not answer: {log.read_text()[-2000:]}")


@pytest.fixture
def s3(s3_endpoint, monkeypatch):
    for name, value in {
        "AWS_ENDPOINT_URL": s3_endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    return boto3.client("s3")


@pytest.fixture
def refusing(bench, s3_endpoint, monkeypatch):
    """Makes S3 refuse the steps the objects whose keys begin so."""
    with throttled(s3_endpoint, 0, seed=0) as (url, log):
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)

        def refuse(start, code, status):
            log.refusals[f"/{bench.drops}/{start}"] = (code, status)

        yield refuse


@pytest.fixture
def bench(s3, tmp_path):
    return Bench(s3, tmp_path)


def index_of(files):
    """The JSON index of a drop that holds `files`, content by name."""
    described = [
        {"name": name, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in files.items()
    ]
    return {"schema": 1, "files": described}


class Bench:
    """Two buckets, and CreateManifests run on them as a pipeline would."""

    @classmethod
    def again(cls, bench, folder):
        """The same buckets, with runs that write below another folder."""
        again = object.__new__(cls)
        again.s3, again.folder = bench.s3, folder
        again.drops, again.artifacts = bench.drops, bench.artifacts
        return again

    def __init__(self, s3, folder):
        self.s3 = s3
        self.folder = folder
        name = uuid.uuid4().hex[:12]
        self.drops, self.artifacts = f"drops-{name}", f"artifacts-{name}"
        for bucket in (self.drops, self.artifacts):
            s3.create_bucket(Bucket=bucket)
        s3.put_bucket_versioning(Bucket=self.drops, VersioningConfiguration={"Status": "Enabled"})

    def put(self, key, data=b"", **options):
        self.s3.put_object(Bucket=self.drops, Key=f"drops/{key}", Body=data, **options)

    def delete(self, key):
        self.s3.delete_object(Bucket=self.drops, Key=f"drops/{key}")

    def drop(self, drop_id, files, index=None, marker=True):
        """Uploads a drop; index: None for an empty marker, True for a right one, or its JSON."""
        for name, data in files.items():
            self.put(f"{drop_id}/{name}", data)
        if marker:
            index = index_of(files) if index is True else index
            encoding, index = index if isinstance(index, tuple) else ("utf-8", index)
            text = "" if index is None else json.dumps(index)
            self.put(f"{drop_id}/_SUCCESS", text.encode(encoding) if text else b"")

    def run(self, execution_id, drop_id, **changes):
        """Runs the step; its outcome, and for a success what it wrote."""
        root = self.folder / execution_id
        line = self.arguments(execution_id, drop_id, **changes)
        return Outcome(root, run(create_manifests, line, root))

    def arguments(self, execution_id, drop_id, **changes):
        """The step's command line."""
        arguments = {
            "drops": f"s3://{self.drops}/drops/",
            "lineage": f"s3://{self.artifacts}/lineage/",
            "execution-id": execution_id,
            "drop-id": drop_id,
            "validation-fraction": 0.2,
            "test-fraction": 0.2,
            "minimum-per-class-and-channel": 1,
            "class-share-drift": 0.1,
            "seed": 7,
        } | {name.replace("_", "-"): value for name, value in changes.items()}
        return [part for name, value in arguments.items() for part in (f"--{name}", str(value))]

    def publish(self, outcome):
        """Uploads the lineage as the job's output upload does."""
        for path in (outcome.output / "lineage").iterdir():
            key = f"lineage/{outcome.root.name}/{path.name}"
            self.s3.upload_file(str(path), self.artifacts, key)
        return outcome


class Outcome:
    """Exit code, exit message and outputs of one run."""

    def __init__(self, root: Path, code: int):
        self.root, self.code = root, code
        self.output = root / "processing" / "output"

    @property
    def message(self):
        return (self.root / "output" / "message").read_text(encoding="utf-8")

    def json(self, path):
        return json.loads((self.output / path).read_text(encoding="utf-8"))

    @property
    def dataset(self):
        return self.json("lineage/dataset.json")

    @property
    def labels(self):
        return self.json("manifests/labels.json")["labels"]

    @property
    def rows(self):
        return pq.read_table(self.output / "lineage" / "objects.parquet").to_pylist()

    @property
    def channels(self):
        """Channel by manifest entry."""
        return {row["key"].removeprefix("drops/"): row["channel"] for row in self.rows}
