"""A real run's own rates: `./scripts/plan --from`."""

import json

import pytest

pytestmark = pytest.mark.chain


def test_the_run_is_measured_and_planned_at_its_own_size(rehearsed):
    execution = rehearsed.executions()[0]["PipelineExecutionArn"]
    ended = rehearsed.run("./scripts/plan", "--from", execution, "--format", "json")
    assert ended.returncode == 0, ended.stderr
    answer = json.loads(ended.stdout)
    assert answer["rates"]["is_aws"] is False
    assert execution.rsplit("/", 1)[1] in answer["rates"]["run"]
    key = f"lineage/{execution.rsplit('/', 1)[1]}/dataset.json"
    bucket = rehearsed.outputs("data")["ArtifactsBucketName"]
    dataset = json.load(rehearsed.client("s3").get_object(Bucket=bucket, Key=key)["Body"])
    assert answer["objects"] == dataset["objects"]
    assert answer["mean_bytes"] == pytest.approx(dataset["bytes"] / dataset["objects"])
    for step in answer["as_set"]["steps"]:
        assert step["seconds"] > step["waiting_seconds"], step["step"]
        assert step["parts"]["fixed"] > 0, step["step"]
