"""What starts a run, what does not, and how a change in infra/ shows in it."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import botocore.exceptions
import pytest

from infra import NODE
from scripts.images.data_sets import write_digits

pytestmark = pytest.mark.chain

REPOSITORY = Path(__file__).resolve().parents[2]
ENDED = {"Succeeded", "Failed", "Stopped"}


def _send_marker_event(rehearsed, key, times):
    """Hands the starter the event that S3 sends for an object, as often as at-least-once may."""
    function = rehearsed.outputs("trigger")["StarterFunctionName"]
    event = {
        "version": "0",
        "id": "17793124-05d4-b198-2fde-7ededc63b103",
        "detail-type": "Object Created",
        "source": "aws.s3",
        "account": "000000000000",
        "time": "2026-11-23T00:00:00Z",
        "region": rehearsed.variables["AWS_REGION"],
        "resources": [],
        "detail": {
            "version": "0",
            "bucket": {"name": rehearsed.outputs("data")["DropsBucketName"]},
            "object": {"key": key, "size": 1, "etag": "0", "sequencer": "0"},
        },
    }
    for _ in range(times):
        answer = rehearsed.client("lambda").invoke(
            FunctionName=function, Payload=json.dumps(event).encode()
        )
        assert "FunctionError" not in answer, answer["Payload"].read()


def _wait(condition, seconds):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.5)


def test_the_same_event_delivered_ten_times_starts_no_run(rehearsed):
    before = len(rehearsed.executions())
    _send_marker_event(rehearsed, "drops/first/_SUCCESS", times=10)
    assert len(rehearsed.executions()) == before


def test_the_end_of_a_run_that_is_told_again_is_noted_once(rehearsed):
    bucket = rehearsed.outputs("data")["ArtifactsBucketName"]
    (first, *_) = rehearsed.executions()
    execution_id = first["PipelineExecutionArn"].rpartition("/")[2]
    (note,) = rehearsed.keys(bucket, f"reports/{execution_id}/Succeeded")
    before = rehearsed.read(bucket, note)
    ended = note.removeprefix(f"reports/{execution_id}/Succeeded-").removesuffix(".json")
    functions = rehearsed.client("lambda").list_functions()["Functions"]
    (reporter,) = [f["FunctionName"] for f in functions if "Reporter" in f["FunctionName"]]
    event = {
        "id": "again",
        "detail-type": "SageMaker Model Building Pipeline Execution Status Change",
        "detail": {
            "currentPipelineExecutionStatus": "Succeeded",
            "pipelineExecutionArn": first["PipelineExecutionArn"],
            "executionEndTime": ended,
        },
    }
    answer = rehearsed.client("lambda").invoke(
        FunctionName=reporter, Payload=json.dumps(event).encode()
    )
    assert "FunctionError" not in answer, answer["Payload"].read()
    assert rehearsed.read(bucket, note) == before


def test_a_marker_put_twice_starts_no_run(rehearsed):
    bucket = rehearsed.outputs("data")["DropsBucketName"]
    before = len(rehearsed.executions())
    marker = rehearsed.read(bucket, "drops/first/_SUCCESS")
    rehearsed.client("s3").put_object(Bucket=bucket, Key="drops/first/_SUCCESS", Body=marker)
    time.sleep(5)
    assert len(rehearsed.executions()) == before


def test_a_drop_without_a_marker_starts_no_run(rehearsed):
    bucket = rehearsed.outputs("data")["DropsBucketName"]
    before = len(rehearsed.executions())
    rehearsed.client("s3").put_object(Bucket=bucket, Key="drops/unfinished/0/a.jpg", Body=b"x")
    time.sleep(5)
    assert len(rehearsed.executions()) == before


def test_a_parameter_of_the_wrong_type_is_refused(rehearsed):
    name = rehearsed.outputs("training")["PipelineName"]
    with pytest.raises(botocore.exceptions.ClientError, match="Epochs"):
        rehearsed.client("sagemaker").start_pipeline_execution(
            PipelineName=name,
            PipelineParameters=[
                {"Name": "DropId", "Value": "first"},
                {"Name": "Epochs", "Value": "many"},
            ],
        )


def test_a_definition_that_names_a_missing_step_is_refused(rehearsed):
    sagemaker = rehearsed.client("sagemaker")
    name = rehearsed.outputs("training")["PipelineName"]
    deployed = sagemaker.describe_pipeline(PipelineName=name)
    definition = json.loads(deployed["PipelineDefinition"])
    definition["Steps"][0]["DependsOn"] = ["Nowhere"]
    with pytest.raises(botocore.exceptions.ClientError, match="Nowhere"):
        sagemaker.create_pipeline(
            PipelineName="broken",
            PipelineDefinition=json.dumps(definition),
            ClientRequestToken="broken-" + "0" * 32,
            RoleArn=deployed["RoleArn"],
        )


def test_cdk_diff_finds_nothing_to_change(rehearsed):
    output = ("--output", str(rehearsed.folder / "diff.out"))
    done = rehearsed.run(
        *("./scripts/cdk", "diff", "dev/*", "--fail", "-c", "training.hosts=2", *output)
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def changed(tmp_path_factory):
    """A copy of the project whose dev environment trains with another learning rate."""
    copy = tmp_path_factory.mktemp("changed")
    for name in ("infra", "functions", "containers"):
        shutil.copytree(REPOSITORY / name, copy / name)
    for name in ("app.py", "cdk.json", "package.json"):
        shutil.copy(REPOSITORY / name, copy / name)
    for name in (".venv", "node_modules"):
        (copy / name).symlink_to(REPOSITORY / name)
    dev = copy / "infra" / "environments" / "dev.toml"
    text = dev.read_text()
    assert text.count("[training]") == 1 and "learning_rate" not in text
    dev.write_text(text.replace("[training]", "[training]\nlearning_rate = 0.00125"))
    return copy


def test_a_second_drop_starts_one_run_which_shows_a_change_of_infra(rehearsed, changed, tmp_path):
    before = len(rehearsed.executions())
    deployed = rehearsed.run(
        str(NODE),
        "node_modules/.bin/cdk",
        "deploy",
        "dev/*",
        "--require-approval",
        "never",
        "-c",
        "training.hosts=1",
        cwd=changed,
    )
    assert deployed.returncode == 0, deployed.stdout + deployed.stderr

    write_digits(tmp_path / "more", 0, 300)
    dropped = rehearsed.run("./scripts/drop", str(tmp_path / "more"), "--id", "second")
    assert dropped.returncode == 0, dropped.stderr
    watched = rehearsed.run("./scripts/watch", "--drop", "second")
    assert watched.returncode == 0, watched.stdout + watched.stderr

    executions = rehearsed.executions()
    assert len(executions) == before + 1
    steps = rehearsed.steps(executions[-1]["PipelineExecutionArn"])
    job = rehearsed.job(steps["TrainModel"])
    assert float(job["HyperParameters"]["learning_rate"]) == 0.00125
    assert job["ResourceConfig"]["InstanceCount"] == 1


def test_three_drops_during_a_run_have_one_run_after_it(rehearsed, tmp_path):
    before = len(rehearsed.executions())
    for number, drop_id in enumerate(("third", "fourth", "fifth", "sixth")):
        write_digits(tmp_path / drop_id, 300 + 40 * number, 340 + 40 * number)
        dropped = rehearsed.run("./scripts/drop", str(tmp_path / drop_id), "--id", drop_id)
        assert dropped.returncode == 0, dropped.stderr
    for drop_id in ("third", "sixth"):
        watched = rehearsed.run("./scripts/watch", "--drop", drop_id)
        assert watched.returncode == 0, watched.stdout + watched.stderr

    executions = rehearsed.executions()
    assert len(executions) == before + 2
    shown = rehearsed.run("./scripts/drops", "--json")
    fates = {fate["drop"]: fate for fate in json.loads(shown.stdout)}
    assert fates["third"]["execution_arn"] == executions[-2]["PipelineExecutionArn"]
    for drop_id in ("fourth", "fifth", "sixth"):
        fate = fates[drop_id]
        assert fate["execution_arn"] == executions[-1]["PipelineExecutionArn"]
        assert (fate["state"], fate["objects"]) == ("Succeeded", 40)
        assert fate["model_package_arn"].endswith(f"/{_versions(rehearsed)}")
    dataset = rehearsed.dataset(executions[-1]["PipelineExecutionArn"].rpartition("/")[2])
    started = {drop["id"]: drop["started_this_run"] for drop in dataset["included_drops"]}
    assert {"third", "fourth", "fifth", "sixth"} <= set(started)
    assert [drop_id for drop_id, by in started.items() if by] == ["sixth"]


def _versions(rehearsed):
    """How many model packages there are: the newest one's number."""
    listed = rehearsed.client("sagemaker").list_model_packages(
        ModelPackageGroupName=rehearsed.outputs("training")["ModelPackageGroupName"],
        MaxResults=100,
    )
    return max(p["ModelPackageVersion"] for p in listed["ModelPackageSummaryList"])
