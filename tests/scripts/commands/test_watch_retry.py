"""`watch --retry` on real executions, whose jobs only pretend."""

import io
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from rich.console import Console

from functions.reporter.costs import Prices
from functions.reporter.executions import Execution, Job, Step
from scripts.commands import watch as command
from scripts.console import CommandError
from scripts.deployed.retry import Bill, prices
from tests.rehearsal.conftest import ROLE, Server, eventually

IMAGE = "000000000000.dkr.ecr.us-east-1.amazonaws.com/tests:1"
ARN = "arn:aws:sagemaker:us-east-1:000000000000:pipeline/p/execution/e"
START = datetime(2026, 11, 25, 10, tzinfo=UTC)
LATER = START + timedelta(hours=1)
Watch = Callable[..., int]


@pytest.fixture(scope="module")
def endpoint_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = Server(tmp_path_factory.mktemp("retry") / "state").start()
    yield f"http://127.0.0.1:{server.port}"
    server.end()


@pytest.fixture
def watch(console: Console) -> Watch:
    return lambda *given: command.main.execute(given, console)


def step(name: str, outcome: str, *after: str) -> dict[str, Any]:
    cluster = {"InstanceCount": 2, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
    return {
        "Name": name,
        "Type": "Processing",
        "DependsOn": list(after),
        "Arguments": {
            "RoleArn": ROLE,
            "AppSpecification": {"ImageUri": IMAGE},
            "ProcessingResources": {"ClusterConfig": cluster},
            "Environment": {"OUTCOME": outcome},
        },
    }


@pytest.fixture
def execution(session: boto3.Session, environment: str) -> Callable[..., str]:
    """Starts an execution of these steps; gives its ARN as soon as it has the status."""

    def start(status: str, *steps: dict[str, Any]) -> str:
        sagemaker = session.client("sagemaker")
        body = {"Version": "2020-12-01", "Parameters": [], "Steps": list(steps)}
        sagemaker.create_pipeline(
            PipelineName=environment,
            PipelineDefinition=json.dumps(body),
            ClientRequestToken=environment.ljust(32, "-"),
            RoleArn=ROLE,
        )
        arn = sagemaker.start_pipeline_execution(
            PipelineName=environment, ClientRequestToken=environment.ljust(32, "-")
        )["PipelineExecutionArn"]

        def current() -> str:
            described = sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
            return described["PipelineExecutionStatus"]

        eventually(lambda: current() == status, current)
        return arn

    return start


def test_a_retry_goes_on_from_the_failed_step_and_tells_what_that_cost_and_saved(
    execution: Callable[..., str], watch: Watch, output: io.StringIO
) -> None:
    arn = execution(
        "Failed",
        step("CreateManifests", "Completed"),
        step("ShardImages", "FailedOnce", "CreateManifests"),
        step("EvaluateModel", "Completed", "ShardImages"),
    )

    assert watch("--execution", arn, "--retry") == 0

    said = output.getvalue().splitlines()
    (again,) = (line for line in said if line.startswith("ShardImages ran again: "))
    assert "USD 0.0000 (1 job, " in again
    assert "; what it had run before cost USD 0.0000 (1 job, " in again
    assert any(line.startswith("EvaluateModel ran for the first time: ") for line in said)
    (kept,) = (line for line in said if line.startswith("Kept as they had succeeded"))
    assert kept.startswith("Kept as they had succeeded, which saved USD 0.0000 (1 job, ")
    assert kept.endswith(": CreateManifests.")


def test_what_ran_again_and_what_was_kept_is_reckoned_by_billed_seconds_and_hosts() -> None:
    kept = Step("ShardImages", "Succeeded", START, LATER, "", 1, "shard-1")
    first = Step("TrainModel", "Failed", START, LATER, "", 1, "train-1")
    again = Step("TrainModel", "Succeeded", LATER, LATER + timedelta(minutes=10), "", 1, "train-2")
    jobs = (
        Job("Processing", "shard-1", "ShardImages", "Completed", START, "small", 4, 900),
        Job("Training", "train-1", "TrainModel", "Failed", START, "large", 2, 1800),
    )
    new = Job("Training", "train-2", "TrainModel", "Completed", LATER, "large", 2, 600)
    before = Execution(ARN, "Failed", "", "", "d1", (kept, first), jobs)
    after = Execution(ARN, "Succeeded", "", "", "d1", (kept, again), (*jobs, new))

    lines = Bill(before, after, Prices("2026-11-25", {"small": 0.2, "large": 12.0})).lines()

    assert lines == [
        "TrainModel ran again: 600 s, USD 4.00 (1 job, 1,200 instance seconds; prices of "
        "2026-11-25); what it had run before cost USD 12.00 (1 job, 3,600 instance seconds; "
        "prices of 2026-11-25).",
        "Kept as they had succeeded, which saved USD 0.2000 (1 job, 3,600 instance seconds; prices "
        "of 2026-11-25): ShardImages.",
    ]


def test_an_instance_type_without_a_price_is_named() -> None:
    job = Job("Training", "train-1", "TrainModel", "Failed", START, "ml.x1.large", 2, 1800)

    assert str(prices("us-east-1").cost([job])) == (
        "USD 0.0000 without ml.x1.large, of no known price (1 job, 3,600 instance seconds)"
    )


def test_a_retry_that_fails_again_tells_why_and_advises_no_third(
    execution: Callable[..., str],
    watch: Watch,
    output: io.StringIO,
    capsys: pytest.CaptureFixture[str],
) -> None:
    arn = execution("Failed", step("ShardImages", "Failed"))

    assert watch("--execution", arn, "--retry") == 1

    said = output.getvalue()
    assert "A retry has the same definition, images and parameters: it helps only if" in said
    assert "ShardImages failed: the container failed: it was told to fail." in said
    told = capsys.readouterr().err
    assert "docs/runbooks/failed-executions.md says what to do" in told
    assert "--retry" not in told


def test_a_stopped_job_is_told_with_its_step_and_goes_on_by_a_retry(
    session: boto3.Session,
    execution: Callable[..., str],
    watch: Watch,
    output: io.StringIO,
    capsys: pytest.CaptureFixture[str],
) -> None:
    sagemaker = session.client("sagemaker")
    arn = execution("Executing", step("ShardImages", "Hang"))

    def stopped() -> bool:
        jobs = sagemaker.list_processing_jobs(
            NameContains=arn.rpartition("/")[2], StatusEquals="InProgress"
        )["ProcessingJobSummaries"]
        for job in jobs:
            sagemaker.stop_processing_job(ProcessingJobName=job["ProcessingJobName"])
        return bool(jobs)

    eventually(stopped)

    assert watch("--execution", arn) == 1

    said = output.getvalue()
    assert "ShardImages was stopped: a person or a program stopped it (StopProcessingJob)." in said
    assert "Log group /aws/sagemaker/ProcessingJobs" in said
    told = capsys.readouterr().err
    assert f"./scripts/watch --environment dev --execution {arn} --retry" in told


def test_a_job_over_its_time_is_told_with_the_setting_that_limits_it(
    execution: Callable[..., str],
    watch: Watch,
    output: io.StringIO,
    capsys: pytest.CaptureFixture[str],
) -> None:
    late = step("ShardImages", "OverTime")
    late["Arguments"]["StoppingCondition"] = {"MaxRuntimeInSeconds": 60}
    arn = execution("Failed", late)

    assert watch("--execution", arn, "--once") == 1

    assert "ShardImages was stopped: it ran for its MaxRuntimeInSeconds, 60" in output.getvalue()
    told = capsys.readouterr().err
    assert "raise max_runtime_seconds of [shards] in infra/environments/dev.toml" in told
    assert "--retry" not in told


def test_an_execution_that_rejected_its_model_is_not_retried(
    execution: Callable[..., str], watch: Watch
) -> None:
    reject = {"Name": "RejectModel", "Type": "Fail", "Arguments": {"ErrorMessage": "Not good."}}
    arn = execution("Failed", reject)
    with pytest.raises(CommandError, match="rejected its model and is not retried"):
        watch("--execution", arn, "--retry")


def test_an_execution_that_succeeded_is_not_retried(
    execution: Callable[..., str], watch: Watch
) -> None:
    arn = execution("Succeeded", step("CreateManifests", "Completed"))
    with pytest.raises(CommandError, match="succeeded and there is nothing to retry"):
        watch("--execution", arn, "--retry")


def test_an_execution_that_runs_is_not_retried(
    session: boto3.Session, execution: Callable[..., str], watch: Watch
) -> None:
    arn = execution("Executing", step("CreateManifests", "Hang"))
    with pytest.raises(CommandError, match="is Executing and can't be retried yet"):
        watch("--execution", arn, "--retry")
    session.client("sagemaker").stop_pipeline_execution(PipelineExecutionArn=arn)
