"""Processing jobs, run for real against a MiniStack."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from rehearsal import aws
from rehearsal.jobs.backend import ProcessBackend
from rehearsal.settings import RehearsalSettings
from tests.rehearsal.images.support import ROLE, Recorded

LIST_FILES = """
    import json, os, sys
    from pathlib import Path
    base = Path("/opt/ml/processing/input/data")
    files = sorted(str(path.relative_to(base)) for path in base.rglob("*") if path.is_file())
    config = json.loads(Path("/opt/ml/config/resourceconfig.json").read_text())
    out = Path("/opt/ml/processing/output")
    (out / f"{config['current_host']}.json").write_text(json.dumps({
        "files": files, "config": config, "arguments": sys.argv[1:], "environment":
        dict(os.environ), "job":
        json.loads(Path("/opt/ml/config/processingjobconfig.json").read_text()),
    }))
    print("host", config["current_host"])
"""


@pytest.fixture
def backend(settings: RehearsalSettings) -> Iterator[ProcessBackend]:
    backend = ProcessBackend(settings, grace_seconds=2)
    yield backend
    backend.close()


def request(name: str, image: str, bucket: str, **changes: Any) -> dict[str, Any]:
    return {
        "ProcessingJobName": name,
        "RoleArn": ROLE,
        "AppSpecification": {"ImageUri": image},
        "ProcessingResources": {
            "ClusterConfig": {
                "InstanceCount": 1,
                "InstanceType": "ml.m5.large",
                "VolumeSizeInGB": 1,
            }
        },
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


def data_input(uri: str, data_type: str, distribution: str) -> dict[str, Any]:
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


def cluster(count: int) -> dict[str, Any]:
    return {
        "ClusterConfig": {
            "InstanceCount": count,
            "InstanceType": "ml.m5.large",
            "VolumeSizeInGB": 1,
        }
    }


def run(backend: ProcessBackend, wanted: dict[str, Any]) -> dict[str, Any]:
    recorded = Recorded([])
    name = wanted["ProcessingJobName"]
    backend.start_processing_job(
        wanted, f"arn:aws:sagemaker:us-east-1:000000000000:processing-job/{name}", recorded
    )
    return recorded.wait_for("ProcessingJobStatus", "Completed", "Failed", "Stopped")


def read(settings: RehearsalSettings, bucket: str, key: str) -> bytes:
    body = aws.client(settings, "s3").get_object(Bucket=bucket, Key=key)["Body"]
    return bytes(body.read())


def test_a_manifest_sharded_by_key_gives_each_object_to_exactly_one_host(
    settings: RehearsalSettings,
    backend: ProcessBackend,
    image: Callable[[str], str],
    bucket: str,
) -> None:
    s3 = aws.client(settings, "s3")
    names = [f"a/{n}.txt" for n in range(5)] + [
        "b/x y.txt",
        "b/#+.txt",
        "b/é日本.txt",
        "b/100%.txt",
    ]
    for name in [*names, "a/not-in-the-manifest"]:
        s3.put_object(Bucket=bucket, Key=f"in/{name}", Body=name.encode())
    manifest = [{"prefix": f"s3://{bucket}/in/"}, *names]
    s3.put_object(Bucket=bucket, Key="manifest.json", Body=json.dumps(manifest).encode())

    ended = run(
        backend,
        request(
            "sharded",
            image(LIST_FILES),
            bucket,
            ProcessingResources=cluster(3),
            ProcessingInputs=[
                data_input(f"s3://{bucket}/manifest.json", "ManifestFile", "ShardedByS3Key")
            ],
        ),
    )

    assert ended["ProcessingJobStatus"] == "Completed", ended
    hosts = [json.loads(read(settings, bucket, f"out/algo-{n}.json")) for n in (1, 2, 3)]
    assert sorted(name for host in hosts for name in host["files"]) == sorted(names)
    assert [len(host["files"]) for host in hosts] == [3, 3, 3]
    assert hosts[1]["config"]["hosts"] == ["algo-1", "algo-2", "algo-3"]
