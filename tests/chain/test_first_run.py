"""What the first drop became, told by the run's own data."""

from __future__ import annotations

import io
import json
import tarfile
from collections import Counter

import pytest

from tests.chain.executions import FEWER_EPOCHS

pytestmark = pytest.mark.chain

CHANNELS = ("train", "validation", "test")


@pytest.fixture(scope="module")
def execution(rehearsed):
    return rehearsed.executions()[0]["PipelineExecutionArn"]


@pytest.fixture(scope="module")
def execution_id(execution):
    return execution.rsplit("/", 1)[1]


@pytest.fixture(scope="module")
def objects(rehearsed, execution_id):
    return rehearsed.objects(execution_id)


@pytest.fixture(scope="module")
def training_job(rehearsed, execution):
    return rehearsed.job(rehearsed.steps(execution)["TrainModel"])


@pytest.fixture(scope="module")
def training(rehearsed, training_job):
    uri = training_job["ModelArtifacts"]["S3ModelArtifacts"]
    return json.loads(_member(_archive(rehearsed, uri), "training.json"))


def _archive(rehearsed, uri):
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return tarfile.open(fileobj=io.BytesIO(rehearsed.read(bucket, key)))


def _member(archive, name):
    return archive.extractfile(
        next(member for member in archive if member.name.removeprefix("./") == name)
    ).read()


def test_the_execution_succeeded_through_every_step(rehearsed, execution):
    statuses = {name: step["StepStatus"] for name, step in rehearsed.steps(execution).items()}
    assert set(statuses.values()) == {"Succeeded"}
    assert {"CreateManifests", "ShardImages", "TrainModel", "EvaluateModel", "CheckQuality"} < set(
        statuses
    )


def test_accuracy_on_the_test_channel_is_at_least_0_95(rehearsed, execution_id):
    bucket = rehearsed.outputs("data")["WorkingBucketName"]
    key = f"executions/{execution_id}/evaluation/evaluation.json"
    metrics = json.loads(rehearsed.read(bucket, key))["multiclass_classification_metrics"]
    assert metrics["accuracy"]["value"] >= 0.95


def test_the_channels_are_disjoint_and_hold_every_dropped_object(rehearsed, objects):
    bucket = rehearsed.outputs("data")["DropsBucketName"]
    keys = rehearsed.keys(bucket, "drops/first/")
    dropped = [key for key in keys if not key.endswith("/_SUCCESS")]
    assert len(dropped) == 1797
    assert sorted(row["key"].removeprefix("drops/") for row in objects) == sorted(
        key.removeprefix("drops/") for key in dropped
    )
    channels_of_content: dict[str, set[str]] = {}
    for row in objects:
        channels_of_content.setdefault(row["sha256"], set()).add(row["channel"])
    assert all(len(channels) == 1 for channels in channels_of_content.values())


def test_the_manifests_say_the_same_as_the_lineage(rehearsed, execution_id, objects):
    bucket = rehearsed.outputs("data")["WorkingBucketName"]
    for channel in CHANNELS:
        key = f"executions/{execution_id}/manifests/{channel}.manifest"
        _, *entries = json.loads(rehearsed.read(bucket, key))
        assert sorted(entries) == sorted(
            row["key"].removeprefix("drops/") for row in objects if row["channel"] == channel
        )


def test_each_object_went_to_exactly_one_host_of_two(rehearsed, execution_id, objects):
    bucket = rehearsed.outputs("data")["WorkingBucketName"]
    prefix = f"executions/{execution_id}/shards/report/"
    reports = [json.loads(rehearsed.read(bucket, key)) for key in rehearsed.keys(bucket, prefix)]
    assert sorted(report["host"] for report in reports) == ["algo-1", "algo-2"]
    for channel in CHANNELS:
        shards = rehearsed.shards(execution_id, channel)
        names = [f"{channel}-0000{n}-of-00002-00000" for n in (0, 1)]
        assert sorted(shards) == [f"{name}.tfrecord" for name in names]
        index = f"executions/{execution_id}/shards/index/{channel}"
        assert sorted(rehearsed.keys(bucket, f"{index}/")) == [f"{index}/{n}.npy" for n in names]
        for name in names:
            size = len(rehearsed.read(bucket, f"{index}/{name}.npy"))
            assert size == 128 + 16 * len(shards[f"{name}.tfrecord"])
        assert Counter(key for keys in shards.values() for key in keys) == Counter(
            row["key"].removeprefix("drops/") for row in objects if row["channel"] == channel
        )
        written = sorted(report["channels"][channel]["records"] for report in reports)
        assert written == sorted(len(keys) for keys in shards.values())
        for report in reports:
            deviations = report["channels"][channel]["deviations"]
            assert all(part["of_limit"] <= 1 for part in deviations.values())


def test_the_dataset_is_described(rehearsed, execution_id):
    dataset = rehearsed.dataset(execution_id)
    assert (dataset["schema"], dataset["objects"], dataset["drop_id"]) == (2, 1797, "first")
    assert dataset["earlier_execution_ids"] == []
    assert rehearsed.quarantine(execution_id) == []


def test_each_record_was_read_by_exactly_one_worker_an_epoch(rehearsed, training_job, objects):
    model = training_job["ModelArtifacts"]["S3ModelArtifacts"]
    archive = _archive(rehearsed, model.replace("model.tar.gz", "output.tar.gz"))
    members = [m for m in archive if "records/epoch-" in m.name]
    epochs = {member.name.split("epoch-")[1].split("-")[0] for member in members}
    assert epochs == {str(number) for number in range(len(epochs))}
    expected = Counter(
        row["key"].removeprefix("drops/") for row in objects if row["channel"] == "train"
    )
    for epoch in epochs:
        read = Counter()
        for member in members:
            if f"epoch-{epoch}-" in member.name:
                read.update(archive.extractfile(member).read().decode().splitlines())
        assert read == expected


def test_both_workers_end_with_identical_weights(training):
    assert set(training["weights"]) == {"0", "1"}
    assert len(set(training["weights"].values())) == 1


def test_the_endpoint_answers_as_the_evaluation_did(rehearsed, execution_id):
    data = rehearsed.outputs("data")
    key = f"executions/{execution_id}/evaluation/predictions.jsonl"
    lines = rehearsed.read(data["WorkingBucketName"], key).splitlines()
    predictions = [json.loads(line) for line in lines]
    endpoint = rehearsed.outputs("serving")["EndpointName"]
    runtime = rehearsed.client("sagemaker-runtime")
    assert len(predictions) > 200
    for row in predictions:
        image = rehearsed.read(data["DropsBucketName"], f"drops/{row['key']}")
        answer = runtime.invoke_endpoint(
            EndpointName=endpoint, ContentType="image/jpeg", Body=image
        )
        served = json.loads(answer["Body"].read())
        assert served["label"] == row["predicted"], row
        assert served["probability"] == pytest.approx(row["probability"], abs=1e-3)


def test_boto3_reads_each_hosts_log_stream(rehearsed, training_job):
    job = training_job["TrainingJobName"]
    logs = rehearsed.client("logs")
    group = "/aws/sagemaker/TrainingJobs"
    streams = [
        stream["logStreamName"]
        for stream in logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=job)[
            "logStreams"
        ]
    ]
    assert sorted(stream.split("/")[1].rsplit("-", 1)[0] for stream in streams) == [
        "algo-1",
        "algo-2",
    ]
    events = logs.get_log_events(
        logGroupName=group, logStreamName=sorted(streams)[0], startFromHead=True
    )["events"]
    assert any("validation_accuracy=" in event["message"] for event in events)


def test_the_sagemaker_sdk_fetches_the_execution(rehearsed, execution):
    script = (
        "import sys; from sagemaker.core.resources import PipelineExecution; "
        "found = PipelineExecution.get(pipeline_execution_arn=sys.argv[1]); "
        "print(found.pipeline_execution_status)"
    )
    done = rehearsed.run(".venv/bin/python", "-c", script, execution)
    assert done.stdout.strip().endswith("Succeeded"), done.stderr


def test_what_ran_is_the_definition_that_cloudformation_deployed(rehearsed, execution):
    sagemaker = rehearsed.client("sagemaker")
    ran = sagemaker.describe_pipeline_definition_for_execution(PipelineExecutionArn=execution)
    name = rehearsed.outputs("training")["PipelineName"]
    deployed = sagemaker.describe_pipeline(PipelineName=name)
    assert json.loads(ran["PipelineDefinition"]) == json.loads(deployed["PipelineDefinition"])


def test_the_report_stands_alone_with_its_pictures_inside(rehearsed):
    page = (rehearsed.folder / "report.html").read_text()
    assert "TrainModel" in page
    assert page.count("data:image/") > 10
    assert 'src="http' not in page
    assert "report.html" in rehearsed.printed


def test_cdk_diff_finds_nothing_to_change(rehearsed):
    output = ("--output", str(rehearsed.folder / "diff.out"))
    done = rehearsed.run(
        *(
            "./scripts/cdk",
            "diff",
            "dev/*",
            "--fail",
            "-c",
            "training.hosts=2",
            *FEWER_EPOCHS,
            *output,
        )
    )
    assert done.returncode == 0, done.stdout + done.stderr
