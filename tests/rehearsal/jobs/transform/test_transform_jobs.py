"""Transform jobs on real model servers, by an unmodified client."""

import json

import pytest
from botocore.exceptions import ClientError

from tests.rehearsal.conftest import ROLE, eventually


def test_each_object_becomes_one_beside_it_with_out_at_its_end(model, start, ended, outputs):
    model()
    start({"a.png": b"first", "below/b.png": b"second"}, BatchStrategy="SingleRecord")
    job = ended()
    assert job["TransformJobStatus"] == "Completed"
    assert job["TransformStartTime"] <= job["TransformEndTime"]
    found = {key: json.loads(body) for key, body in outputs().items()}
    assert {key: answer["body"] for key, answer in found.items()} == {
        "a.png.out": "first",
        "below/b.png.out": "second",
    }
    answer = found["a.png.out"]
    assert (answer["type"], answer["accept"]) == ("image/png", "application/json")
    # What the request does not say, the container is not told.
    assert answer["batch"] == {
        "SAGEMAKER_BATCH": "true",
        "SAGEMAKER_BATCH_STRATEGY": "SINGLE_RECORD",
    }


@pytest.mark.parametrize(("given", "key"), [({}, "alias/aws/s3"), ({"KmsKeyId": "1"}, "1")])
def test_the_answers_have_the_jobs_key_or_that_of_s3(s3, model, start, ended, given, key):
    name = model()
    start({"a": b"1"}, TransformOutput={"S3OutputPath": f"s3://{name}/out", **given})
    assert ended()["TransformJobStatus"] == "Completed"
    found = s3.head_object(Bucket=name, Key="out/a.out")
    assert (found["ServerSideEncryption"], found["SSEKMSKeyId"]) == ("aws:kms", key)


def test_a_manifest_names_the_objects(server, model, start, ended, outputs):
    name = model()
    manifest = [{"prefix": f"s3://{name}/in/"}, "a", "deep/b"]
    body = json.dumps(manifest).encode()
    server.client("s3").create_bucket(Bucket=f"{name}-manifests")
    server.client("s3").put_object(Bucket=f"{name}-manifests", Key="manifest", Body=body)
    source = {"S3DataType": "ManifestFile", "S3Uri": f"s3://{name}-manifests/manifest"}
    inputs = {"DataSource": {"S3DataSource": source}}
    start({"a": b"1", "deep/b": b"2", "not": b"3"}, TransformInput=inputs)
    assert ended()["TransformJobStatus"] == "Completed"
    assert sorted(outputs()) == ["a.out", "deep/b.out"]


def test_instances_share_the_objects(model, start, ended, outputs):
    model()
    start({f"{number}": b"sleep 0.3" for number in range(12)}, instances=2)
    assert ended()["TransformJobStatus"] == "Completed"
    answers = [json.loads(body) for body in outputs().values()]
    assert len(answers) == 12
    assert len({answer["host"] for answer in answers}) == 2
    assert {answer["most"] for answer in answers} == {1}


def test_a_container_says_how_much_it_takes_at_a_time(model, start, ended, outputs):
    model(CONCURRENCY="4")
    start({f"{number}": b"sleep 1" for number in range(8)})
    assert ended()["TransformJobStatus"] == "Completed"
    assert max(json.loads(body)["most"] for body in outputs().values()) == 4


def test_the_request_has_the_last_word(model, start, ended, outputs):
    model(CONCURRENCY="4")
    inputs = {f"{number}": b"sleep 0.1" for number in range(4)}
    start(inputs, MaxConcurrentTransforms=1, Environment={"SAGEMAKER_OWN": "yes"})
    assert ended()["TransformJobStatus"] == "Completed"
    answers = [json.loads(body) for body in outputs().values()]
    assert {answer["most"] for answer in answers} == {1}
    assert answers[0]["batch"]["SAGEMAKER_MAX_CONCURRENT_TRANSFORMS"] == "1"
    assert answers[0]["batch"]["SAGEMAKER_OWN"] == "yes"


def test_a_bad_object_fails_the_job_and_leaves_the_others(server, model, start, ended, outputs):
    name = model()
    start({"a": b"good", "b": b"bad", "c": b"x" * (2**20 + 1)}, MaxPayloadInMB=1)
    job = ended()
    assert job["TransformJobStatus"] == "Failed"
    assert "ClientError: 2 of the input files could not be transformed" in job["FailureReason"]
    assert list(outputs()) == ["a.out"]
    lines = server.client("logs").get_log_events(
        logGroupName="/aws/sagemaker/TransformJobs", logStreamName=f"{name}/data-log"
    )["events"]
    text = "\n".join(event["message"] for event in lines)
    assert f"s3://{name}/in/b: ClientError: 400: no image" in text
    assert "MaxPayloadInMB is 1" in text


def test_a_busy_container_is_asked_again(model, start, ended, outputs):
    model()
    start({"a": b"busy"})
    job = ended()
    assert job["TransformJobStatus"] == "Completed", job
    assert list(outputs()) == ["a.out"]


def test_a_stopped_job_keeps_what_it_has(sagemaker, model, start, ended, outputs):
    model()
    name = start({"a": b"quick", "b": b"sleep 60", "c": b"sleep 60"})
    eventually(outputs)
    sagemaker.stop_transform_job(TransformJobName=name)
    assert ended()["TransformJobStatus"] == "Stopped"
    assert list(outputs()) == ["a.out"]
    with pytest.raises(ClientError, match="is in status Stopped"):
        sagemaker.stop_transform_job(TransformJobName=name)
    (summary,) = sagemaker.list_transform_jobs(NameContains=name, StatusEquals="Stopped")[
        "TransformJobSummaries"
    ]
    assert summary["TransformJobName"] == name


def test_no_objects_are_a_failure(model, start, ended):
    model()
    start({})
    assert "No S3 objects found" in ended()["FailureReason"]


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"MaxPayloadInMB": 60, "MaxConcurrentTransforms": 2}, "must not exceed 100 MB"),
        ({"DataProcessing": {"JoinSource": "Input"}}, "no such DataProcessing"),
        ({"ModelName": "none"}, "Could not find model"),
    ],
)
def test_what_cannot_be_is_refused(model, start, more, sentence):
    model()
    with pytest.raises(ClientError, match=sentence):
        start({"a": b"x"}, **more)


def test_a_pipelines_step_is_a_job(sagemaker, model, job_request, outputs):
    name = model()
    arguments = job_request({"a": b"x"})
    del arguments["TransformJobName"]
    step = {"Name": "Transform", "Type": "Transform", "Arguments": arguments}
    sagemaker.create_pipeline(
        PipelineName=name,
        PipelineDefinition=json.dumps({"Version": "2020-12-01", "Steps": [step]}),
        RoleArn=ROLE,
    )
    arn = sagemaker.start_pipeline_execution(PipelineName=name)["PipelineExecutionArn"]
    described = sagemaker.describe_pipeline_execution

    def succeeded():
        status = described(PipelineExecutionArn=arn)["PipelineExecutionStatus"]
        return status == "Succeeded"

    eventually(succeeded)
    assert list(outputs()) == ["a.out"]
    (shown,) = sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=arn)[
        "PipelineExecutionSteps"
    ]
    assert ":transform-job/" in shown["Metadata"]["TransformJob"]["Arn"]
