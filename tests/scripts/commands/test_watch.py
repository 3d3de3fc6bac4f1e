import io
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from rich.console import Console

from functions.reporter import executions as records
from functions.reporter.executions import Execution, Step, log_streams
from functions.reporter.executions import to_step as step_of
from functions.reporter.reasons import Ending, judge
from scripts.commands.watch import _report_ending, duration, table, what_to_do
from scripts.deployed.logs import Job, Tail, job_of, last_lines

START = datetime(2026, 11, 23, 10, tzinfo=UTC)
GROUP = "/aws/sagemaker/TrainingJobs"


def step(status: str = "Succeeded", seconds: float | None = 65, **more: Any) -> Any:
    ended = {} if seconds is None else {"EndTime": START + timedelta(seconds=seconds)}
    return {"StepName": "TrainModel", "StepStatus": status, "StartTime": START, **ended, **more}


def training_step(job: str, **more: Any) -> Any:
    arn = f"arn:aws:sagemaker:us-east-1:000000000000:training-job/{job}"
    return step("Failed", Metadata={"TrainingJob": {"Arn": arn}}, **more)


@pytest.fixture
def job(session: boto3.Session, environment: str) -> Job:
    """A job that two hosts wrote 20 lines each of; its name is the start of another job's."""
    logs = session.client("logs")
    if not logs.describe_log_groups(logGroupNamePrefix=GROUP)["logGroups"]:
        logs.create_log_group(logGroupName=GROUP)
    for name in (f"{environment}/algo-1-1", f"{environment}/algo-2-1", f"{environment}0/algo-1-1"):
        logs.create_log_stream(logGroupName=GROUP, logStreamName=name)
        write(session, name, *(f"{name} {number}" for number in range(20)))
    return Job(environment, GROUP)


def write(session: boto3.Session, stream: str, *lines: str) -> None:
    now = int(datetime.now(UTC).timestamp() * 1000)
    session.client("logs").put_log_events(
        logGroupName=GROUP,
        logStreamName=stream,
        logEvents=[{"timestamp": now, "message": line} for line in lines],
    )


@pytest.mark.parametrize(
    ("seconds", "says"), [(0.4, "0 s"), (59.9, "59 s"), (65, "1 min 05 s"), (3600, "60 min 00 s")]
)
def test_a_duration_is_in_minutes_and_seconds(seconds: float, says: str) -> None:
    assert duration(step(seconds=seconds)) == says


def test_a_step_that_waits_has_no_duration() -> None:
    waiting: Any = {"StepName": "TrainModel", "StepStatus": "Starting"}

    assert duration(waiting) == ""


def test_the_table_has_a_row_a_step() -> None:
    output = io.StringIO()
    Console(file=output, width=80).print(table([step(), step("Executing", None)]))

    rows = [line for line in output.getvalue().splitlines() if "TrainModel" in line]
    assert len(rows) == 2
    assert "Succeeded" in rows[0]
    assert "1 min 05 s" in rows[0]
    assert "Executing" in rows[1]


def test_the_job_of_a_step_has_the_log_group_of_its_kind() -> None:
    assert job_of(training_step("mine")) == Job("mine", GROUP)
    processing = {"ProcessingJob": {"Arn": "arn:aws:sagemaker:r:1:processing-job/p"}}
    assert job_of(step(Metadata=processing)) == Job("p", "/aws/sagemaker/ProcessingJobs")
    assert job_of(step(Metadata={"Condition": {"Outcome": "True"}})) is None
    assert job_of(step()) is None


def test_the_streams_of_a_job_are_its_own(session: boto3.Session, job: Job) -> None:
    assert log_streams(session.client("logs"), job) == [
        f"{job.name}/algo-1-1",
        f"{job.name}/algo-2-1",
    ]


def test_a_job_that_has_not_written_has_no_streams(session: boto3.Session) -> None:
    assert log_streams(session.client("logs"), Job("none", "/aws/sagemaker/Nothing")) == []


def test_the_last_lines_are_the_newest_in_order(session: boto3.Session, job: Job) -> None:
    stream = f"{job.name}/algo-1-1"

    assert last_lines(session, job.log_group, stream) == [
        f"{stream} {number}" for number in range(5, 20)
    ]


def test_a_tail_gives_each_line_once_with_its_host(session: boto3.Session, job: Job) -> None:
    tail = Tail(session)

    first = tail.new_lines(job)
    assert len(first) == 40
    assert first[0] == f"algo-1 | {job.name}/algo-1-1 0"
    assert tail.new_lines(job) == []
    write(session, f"{job.name}/algo-2-1", "one more")
    assert tail.new_lines(job) == ["algo-2 | one more"]


def test_a_tail_finds_the_streams_of_a_job_whose_arn_is_in_lower_case(
    session: boto3.Session, environment: str
) -> None:
    # SageMaker Pipelines has written ARNs so, and job names are cut after 20 letters of the step.
    name = f"pipelines-{environment}-ResampleAllTheImages-aB3"
    session.client("sagemaker").create_training_job(**training_request(name))
    stream = f"{name}/algo-1-1"
    logs = session.client("logs")
    if not logs.describe_log_groups(logGroupNamePrefix=GROUP)["logGroups"]:
        logs.create_log_group(logGroupName=GROUP)
    logs.create_log_stream(logGroupName=GROUP, logStreamName=stream)
    write(session, stream, "epoch=1")

    job = job_of(training_step(name.lower()))

    assert job is not None
    assert Tail(session).new_lines(job) == ["algo-1 | epoch=1"]


def training_request(name: str) -> Any:
    image = "000000000000.dkr.ecr.us-east-1.amazonaws.com/tests:1"
    return {
        "TrainingJobName": name,
        "RoleArn": "arn:aws:iam::000000000000:role/tests",
        "AlgorithmSpecification": {"TrainingImage": image, "TrainingInputMode": "File"},
        "OutputDataConfig": {"S3OutputPath": "s3://nowhere/models"},
        "ResourceConfig": {
            "InstanceCount": 1,
            "InstanceType": "ml.m5.large",
            "VolumeSizeInGB": 1,
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
    }


def test_a_failed_step_is_reported_with_reason_stream_and_last_lines(
    session: boto3.Session, job: Job, console: Console, output: io.StringIO
) -> None:
    reason = "ClientError: AlgorithmError: out of paper, exit code: 1"
    failed = step_of(training_step(job.name, FailureReason=reason))

    (ending,) = judged(failed, [f"{job.name}/algo-1-1", f"{job.name}/algo-2-1"])
    _report_ending(session, ending, console)

    said = output.getvalue()
    assert "TrainModel failed: the container failed: out of paper (exit code 1)." in said
    assert f"Log group {GROUP}, streams:\n  {job.name}/algo-1-1\n  {job.name}/algo-2-1\n" in said
    assert f"The last lines of {job.name}/algo-2-1:\n" in said
    assert f"  {job.name}/algo-1-1 19" in said


def test_only_what_may_pass_is_told_to_be_retried() -> None:
    def told(reason: str) -> str:
        failed = step_of(training_step("mine", FailureReason=reason))
        return what_to_do(judged(failed), "arn:e", "staging")

    lost = told("ClientError: InternalServerError: We encountered an internal error.")
    assert lost.startswith("docs/runbooks/failed-executions.md says what to do; wait a while; ")
    assert lost.endswith("./scripts/watch --environment staging --execution arn:e --retry")
    broken = told("ClientError: AlgorithmError: out of paper, exit code: 1")
    assert "--retry" not in broken
    assert broken.endswith("; the next drop's run covers these drops too.")


def judged(failed: Step, streams: list[str] | None = None) -> tuple[Ending, ...]:
    """Of an execution that failed in this step."""
    job = records.Job("Training", failed.job, failed.name, "Failed", START, "ml.m5.large", 2, 60.0)
    arn = "arn:aws:sagemaker:us-east-1:000000000000:pipeline/shardwise-dev/execution/a"
    execution = Execution(arn, "Failed", "", "", "d1", (failed,), (job,))
    return judge(execution, lambda job: streams or [])
