"""What starts a run, what does not, and how a change in infra/ shows in it."""

import json
import time

import botocore.exceptions
import pytest

from tests.chain.executions import LEARNING_RATE, id_of, package

pytestmark = pytest.mark.chain


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


def test_a_later_drop_starts_one_run_which_shows_a_change_of_infra(rehearsed, changed):
    job = rehearsed.job(rehearsed.steps(changed)["TrainModel"])
    assert float(job["HyperParameters"]["learning_rate"]) == LEARNING_RATE
    assert job["ResourceConfig"]["InstanceCount"] == 1


def test_three_drops_during_a_run_have_one_run_after_it(rehearsed, repeated, together):
    shown = rehearsed.run("./scripts/drops", "--json")
    fates = {fate["drop"]: fate for fate in json.loads(shown.stdout)}
    assert fates["repeated"]["execution_arn"] == repeated
    for drop_id in ("bad", "fourth", "fifth"):
        fate = fates[drop_id]
        assert (fate["execution_arn"], fate["state"]) == (together, "Succeeded")
        assert fate["model_package_arn"].endswith(package(rehearsed, together))
    assert fates["fifth"]["objects"] == 40
    dataset = rehearsed.dataset(id_of(together))
    started = {drop["id"]: drop["started_this_run"] for drop in dataset["included_drops"]}
    assert set(started) == {"first", "repeated", "bad", "fourth", "fifth"}
    assert [drop_id for drop_id, by in started.items() if by] == ["fifth"]
