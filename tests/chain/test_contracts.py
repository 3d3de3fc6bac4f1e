"""What the steps of a run hand on is as docs/contracts has it."""

from __future__ import annotations

import io
import json
import tarfile

import pytest

pytestmark = pytest.mark.chain


@pytest.fixture(scope="module")
def execution_id(rehearsed):
    return rehearsed.executions()[0]["PipelineExecutionArn"].rpartition("/")[2]


@pytest.fixture(scope="module")
def written(rehearsed, execution_id):
    """Contents of the first run's JSON files by the contract that they keep."""
    data = rehearsed.outputs("data")
    working, artifacts = data["WorkingBucketName"], data["ArtifactsBucketName"]
    run, lineage = f"executions/{execution_id}", f"lineage/{execution_id}"
    manifests = [f"{run}/manifests/{name}.manifest" for name in ("train", "validation", "test")]
    files = {
        "index": (data["DropsBucketName"], ["drops/first/_SUCCESS"]),
        "manifest": (working, manifests),
        "labels": (working, [f"{run}/manifests/labels.json"]),
        "dataset": (artifacts, [f"{lineage}/dataset.json"]),
        "report": (working, rehearsed.keys(working, f"{run}/shards/report/")),
        "serving": (working, [f"{run}/serving/serving.json"]),
        "evaluation": (working, [f"{run}/evaluation/evaluation.json"]),
    }
    contents = {
        contract: [json.loads(rehearsed.read(bucket, key)) for key in keys]
        for contract, (bucket, keys) in files.items()
    }
    return contents | _of_the_model(rehearsed, artifacts)


def _of_the_model(rehearsed, artifacts):
    (key,) = [
        key
        for key in rehearsed.keys(artifacts, "models/")
        if key.endswith("/model.tar.gz")
        and rehearsed.executions()[0]["PipelineExecutionArn"].rpartition("/")[2] in key
    ]
    with tarfile.open(fileobj=io.BytesIO(rehearsed.read(artifacts, key))) as archive:
        members = {name.removeprefix("./"): name for name in archive.getnames()}
        return {
            name: [json.load(archive.extractfile(members[f"{name}.json"]))]
            for name in ("model", "golden", "training")
        }


@pytest.mark.parametrize(
    "name",
    [
        *("index", "manifest", "labels", "dataset", "report", "serving"),
        *("model", "golden", "training", "evaluation"),
    ],
)
def test_a_run_keeps_the_contract(written, contract, name):
    assert written[name]
    for content in written[name]:
        contract(name).validate(content)
