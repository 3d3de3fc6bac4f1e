"""SIGKILL of the whole rehearsal in the middle of training: the checkpoints outlive it."""

from __future__ import annotations

import json
import os
import signal
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rehearsal import aws, lifecycle
from rehearsal.settings import RehearsalSettings
from tests.rehearsal.images.support import ROLE, make_account, push_image, wait_until
from tests.rehearsal.jobs.support import get, keys, lines, processing, training

BUCKET = "training"
# Until it finds a checkpoint of an earlier job it leaves one and waits for its end.
PROGRAM = """
    import sys, time
    from pathlib import Path
    if sys.argv[1:] == ["prepare"]:
        Path("/opt/ml/processing/output/data").write_text("prepared")
        sys.exit(0)
    checkpoint = Path("/opt/ml/checkpoints/epoch")
    data = Path("/opt/ml/input/data/train/data")
    print(data.read_text() if data.exists() else "no data", flush=True)
    if not checkpoint.exists():
        checkpoint.write_text("7")
        time.sleep(600)
    print("goes on after epoch", checkpoint.read_text(), flush=True)
    Path("/opt/ml/model/weights").write_text("1")
"""


class Rehearsal:
    """The real server, as `./scripts/local-aws` starts it."""

    def __init__(self, folder: Path) -> None:
        self._state = folder / "state"
        self._cache = folder / "cache"
        self.settings = self._start()
        make_account(self.settings)
        self.client("s3").create_bucket(Bucket=BUCKET)
        self.image = push_image(self.settings, folder / "context", PROGRAM)

    def client(self, service: str) -> Any:
        return aws.client(self.settings, service)

    def kill(self) -> None:
        """SIGKILL, once what the kill is not about has been saved."""
        services = self._state / "ministack" / "services"
        tag = self.image.rpartition(":")[2]
        wait_until(lambda: _says(services / "ecr.json", tag), "the image's tag is on the disk")
        wait_until(lambda: _says(services / "iam.json", "role/job"), "the role is on the disk")
        pid = lifecycle.running_pid(self._state)
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)

    def start_again(self) -> None:
        self.settings = self._start()

    def end(self) -> None:
        lifecycle.stop(self._state)

    def _start(self) -> RehearsalSettings:
        led = lifecycle.start(self._state, cache=self._cache)
        port = int(led["AWS_ENDPOINT_URL"].rpartition(":")[2])
        return RehearsalSettings(self._state.resolve(), self._cache.resolve(), port)


def _says(file: Path, text: str) -> bool:
    return file.exists() and text in file.read_text()


@pytest.fixture
def rehearsal(tmp_path: Path) -> Iterator[Rehearsal]:
    rehearsal = Rehearsal(tmp_path)
    yield rehearsal
    rehearsal.end()


def _wait_for_checkpoint(rehearsal: Rehearsal, prefix: str) -> None:
    wait_until(
        lambda: keys(rehearsal.settings, BUCKET, prefix) == [f"{prefix}/epoch"],
        "the checkpoint is in S3",
    )


def _said(rehearsal: Rehearsal, job: str) -> list[list[str]]:
    return list(lines(rehearsal.settings, "/aws/sagemaker/TrainingJobs", f"{job}/").values())


def test_a_new_job_goes_on_from_the_checkpoints_of_one_that_was_killed(
    rehearsal: Rehearsal,
) -> None:
    def job(name: str) -> dict[str, Any]:
        checkpoints = {"S3Uri": f"s3://{BUCKET}/checkpoints"}
        return training(name, rehearsal.image, BUCKET, CheckpointConfig=checkpoints)

    rehearsal.client("sagemaker").create_training_job(**job("first"))
    _wait_for_checkpoint(rehearsal, "checkpoints")
    rehearsal.kill()
    rehearsal.start_again()

    sagemaker = rehearsal.client("sagemaker")
    described = sagemaker.describe_training_job(TrainingJobName="first")
    assert described["TrainingJobStatus"] == "Failed"
    assert get(rehearsal.settings, BUCKET, "checkpoints/epoch") == b"7"
    sagemaker.create_training_job(**job("second"))
    sagemaker.get_waiter("training_job_completed_or_stopped").wait(
        TrainingJobName="second", WaiterConfig={"Delay": 1}
    )
    assert _said(rehearsal, "second") == [["no data", "goes on after epoch 7"]]


def test_an_execution_that_was_killed_is_retried_from_its_checkpoints(
    rehearsal: Rehearsal,
) -> None:
    arn = _start_pipeline(rehearsal)
    execution_id = arn.rpartition("/")[2]
    _wait_for_checkpoint(rehearsal, f"checkpoints/{execution_id}")
    rehearsal.kill()
    rehearsal.start_again()

    sagemaker = rehearsal.client("sagemaker")
    status = _status_of(sagemaker, arn)
    assert status() == "Failed"
    assert _statuses(sagemaker, arn) == {"Prepare": "Succeeded", "Train": "Failed"}
    token = str(uuid.uuid4())
    retried = sagemaker.retry_pipeline_execution(PipelineExecutionArn=arn, ClientRequestToken=token)

    assert retried["PipelineExecutionArn"] == arn
    wait_until(lambda: status() != "Executing", "the execution ends")
    assert _statuses(sagemaker, arn) == {"Prepare": "Succeeded", "Train": "Succeeded"}
    assert len(sagemaker.list_processing_jobs()["ProcessingJobSummaries"]) == 1
    last, first = sagemaker.list_training_jobs()["TrainingJobSummaries"]
    assert [first["TrainingJobStatus"], last["TrainingJobStatus"]] == ["Failed", "Completed"]
    # The kept step's properties lead to its output, the execution's id to the checkpoint.
    assert _said(rehearsal, last["TrainingJobName"]) == [["prepared", "goes on after epoch 7"]]


def _status_of(sagemaker: Any, arn: str) -> Callable[[], str]:
    describe = sagemaker.describe_pipeline_execution
    return lambda: str(describe(PipelineExecutionArn=arn)["PipelineExecutionStatus"])


def _statuses(sagemaker: Any, arn: str) -> dict[str, str]:
    listed = sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=arn)
    return {step["StepName"]: step["StepStatus"] for step in listed["PipelineExecutionSteps"]}


def _start_pipeline(rehearsal: Rehearsal) -> str:
    prepare = processing("x", rehearsal.image, BUCKET)
    prepare["AppSpecification"]["ContainerArguments"] = ["prepare"]
    del prepare["ProcessingJobName"]
    out = "Steps.Prepare.ProcessingOutputConfig.Outputs['out'].S3Output.S3Uri"
    source = {"S3DataType": "S3Prefix", "S3Uri": {"Get": out}}
    channel = {"ChannelName": "train", "DataSource": {"S3DataSource": source}}
    values = [f"s3://{BUCKET}/checkpoints", {"Get": "Execution.PipelineExecutionId"}]
    place = {"Std:Join": {"On": "/", "Values": values}}
    train = training(
        "x",
        rehearsal.image,
        BUCKET,
        InputDataConfig=[channel],
        CheckpointConfig={"S3Uri": place},
    )
    del train["TrainingJobName"]
    steps = [
        {"Name": "Prepare", "Type": "Processing", "Arguments": prepare},
        {"Name": "Train", "Type": "Training", "Arguments": train},
    ]
    body = json.dumps({"Version": "2020-12-01", "Parameters": [], "Steps": steps})
    _let_start_jobs(rehearsal.client("iam"))
    sagemaker = rehearsal.client("sagemaker")
    sagemaker.create_pipeline(PipelineName="p", PipelineDefinition=body, RoleArn=ROLE)
    return str(sagemaker.start_pipeline_execution(PipelineName="p")["PipelineExecutionArn"])


def _let_start_jobs(iam: Any) -> None:
    actions = ["sagemaker:Create*", "sagemaker:Describe*", "sagemaker:AddTags", "iam:PassRole"]
    statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    role = ROLE.rpartition("/")[2]
    iam.put_role_policy(RoleName=role, PolicyName="pipeline", PolicyDocument=document)
