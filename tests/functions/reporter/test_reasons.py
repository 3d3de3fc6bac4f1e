"""Why a step ended, judged from SageMaker's words and its job."""

from datetime import UTC, datetime

import pytest

from functions.reporter.executions import Execution, Job, Step
from functions.reporter.messages import SETTINGS, Place, advice
from functions.reporter.reasons import Cause, judge, retry_can_help
from infra.settings import load

NOW = datetime(2026, 11, 25, tzinfo=UTC)
ARN = "arn:aws:sagemaker:us-east-1:000000000000:pipeline/shardwise-dev/execution/e"
PLACE = Place("dev", "shardwise-dev", "us-east-1")


def step(given="", status="Failed", name="ShardImages", **more):
    return Step(name, status, NOW, NOW, given, 1, f"pipelines-e-{name}-Ab", **more)


def job(status="Failed", kind="Processing", name="ShardImages", seconds=1.0, **more):
    own = f"pipelines-e-{name}-Ab"
    return Job(kind, own, name, status, NOW, "ml.m5.large", 1, seconds, **more)


def judged(*steps, jobs=(), status="Failed"):
    return judge(Execution(ARN, status, "", "", "d", steps, jobs))


def only(*steps, jobs=(), status="Failed"):
    (ending,) = judged(*steps, jobs=jobs, status=status)
    return ending


@pytest.mark.parametrize(
    ("given", "said", "cause"),
    [
        (
            "ClientError: AlgorithmError: no shards: run ShardImages again., exit code: 1",
            "the container failed: no shards: run ShardImages again (exit code 1)",
            Cause.CONTAINER,
        ),
        (
            "ClientError: InternalServerError: We encountered an internal error.",
            "SageMaker failed: We encountered an internal error",
            Cause.SERVICE,
        ),
        (
            "CapacityError: Unable to provision requested ML compute capacity.",
            "AWS had no such instances to spare: Unable to provision requested ML compute capacity",
            Cause.CAPACITY,
        ),
        (
            "ClientError: ResourceLimitExceeded: The limit is 0.\nRetry not appropriate on "
            "execution of step with PipelineExecutionArn arn and StepId ShardImages.",
            "a quota of the account is used up: The limit is 0",
            Cause.QUOTA,
        ),
        (
            "ClientError: Failed to invoke sagemaker:CreateTrainingJob. Error Details: The "
            "account-level service limit 'ml.c5.2xlarge for training job usage' is 0 Instances.",
            "Failed to invoke sagemaker:CreateTrainingJob. Error Details: The account-level "
            "service limit 'ml.c5.2xlarge for training job usage' is 0 Instances",
            Cause.QUOTA,
        ),
        (
            "ClientError: Failed to invoke sagemaker:CreateTrainingJob. Error Details: Rate "
            "exceeded",
            "Failed to invoke sagemaker:CreateTrainingJob. Error Details: Rate exceeded",
            Cause.THROTTLING,
        ),
        (
            "ClientError: Failed to invoke sagemaker:CreateProcessingJob. Error Details: no role.",
            "Failed to invoke sagemaker:CreateProcessingJob. Error Details: no role",
            Cause.REFUSED,
        ),
        (
            "ClientError: Data download failed: no object below s3://b/none.",
            "Data download failed: no object below s3://b/none",
            Cause.REFUSED,
        ),
        (
            "ClientError: The job exceeded its MaxRuntimeInSeconds.",
            "The job exceeded its MaxRuntimeInSeconds",
            Cause.RUNTIME,
        ),
        (
            "ClientError: AlgorithmError: give MaxRuntimeInSeconds, exit code: 1",
            "the container failed: give MaxRuntimeInSeconds (exit code 1)",
            Cause.CONTAINER,
        ),
        ("", "no reason was given", Cause.UNKNOWN),
    ],
)
def test_sagemakers_reason_is_said_in_words(given, said, cause):
    ending = only(step(given))
    assert (ending.reason, ending.cause) == (said, cause)


def test_a_processing_jobs_own_last_words_are_its_reason():
    given = "ClientError: AlgorithmError: See job logs for more information, exit code: 1"
    words = "Class 7 has 2 images and 3 channels: drop more of them.\n"

    assert only(step(given), jobs=(job(message=words),)).reason == (
        "the container failed: Class 7 has 2 images and 3 channels: drop more of them (exit code 1)"
    )
    assert only(step(given)).reason == "the container failed (exit code 1)"


@pytest.mark.parametrize("status", ["Stopped", "Failed"])
@pytest.mark.parametrize(
    "ended",
    [
        job("Stopped", "Training", secondary_status="MaxRuntimeExceeded", longest=60),
        job("Stopped", "Training", secondary_status="Stopped", reason="MaxRuntimeExceeded: ran"),
        job("Stopped", seconds=60.0, longest=60),
        job("Stopped", seconds=59.6, longest=60),
    ],
)
def test_a_job_over_its_time_is_told_so_whatever_its_step_is_called(status, ended):
    ending = only(step(status=status), jobs=(ended,))

    assert ending.cause is Cause.RUNTIME
    assert ending.is_stop
    assert ending.reason.startswith("it ran for its MaxRuntimeInSeconds")
    assert not retry_can_help([ending])


def test_a_job_that_a_person_stopped_can_go_on():
    training = job("Stopped", "Training", secondary_status="Stopped", seconds=999.0, longest=60)

    ending = only(step(status="Stopped"), jobs=(training,))

    assert ending.cause is Cause.STOP
    assert ending.reason == "a person or a program stopped it (StopTrainingJob)"
    assert retry_can_help([ending])
    assert only(step(status="Stopped"), jobs=(job("Stopped", longest=60),)).cause is Cause.STOP


def test_an_execution_that_was_stopped_says_so_of_its_steps():
    ending = only(step(status="Stopped"), jobs=(job("Stopped"),), status="Stopped")
    assert ending.reason == "the execution was stopped (StopPipelineExecution)"


def test_spot_training_that_waited_too_long_can_go_on_later():
    waited = job("Stopped", "Training", secondary_status="MaxWaitTimeExceeded", longest=60)

    ending = only(step(status="Stopped"), jobs=(waited,))

    assert ending.cause is Cause.SPOT
    assert "no spot instances to spare" in ending.reason
    assert retry_can_help([ending])


def test_a_retry_helps_only_where_every_cause_may_pass():
    lost = step("ClientError: InternalServerError: Sorry.")
    broken = step("ClientError: AlgorithmError: bad, exit code: 1", name="FetchServingModel")

    assert retry_can_help(judged(lost))
    assert not retry_can_help(judged(lost, broken))
    assert not retry_can_help(judged(step("Not good enough.", is_verdict=True)))
    assert not retry_can_help(())


def test_the_advice_over_the_time_limit_names_the_setting_and_no_retry():
    ended = step(status="Stopped", name="TrainModel")
    over = job("Stopped", "Training", "TrainModel", secondary_status="MaxRuntimeExceeded")

    said, command = advice(judged(ended, jobs=(over,)), ARN, PLACE)

    assert "raise max_runtime_seconds of [training] in infra/environments/dev.toml" in said
    assert command == ""


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_has_advice_and_a_command_only_where_a_retry_helps(cause):
    given = {
        Cause.CONTAINER: "ClientError: AlgorithmError: bad, exit code: 1",
        Cause.REFUSED: "ClientError: no.",
        Cause.UNKNOWN: "?",
        Cause.SERVICE: "ClientError: InternalServerError: Sorry.",
        Cause.THROTTLING: "ClientError: Failed to invoke a:B. Error Details: Rate exceeded",
        Cause.CAPACITY: "CapacityError: none.",
        Cause.QUOTA: "ClientError: ResourceLimitExceeded: 0.",
    }
    secondary = {Cause.RUNTIME: "MaxRuntimeExceeded", Cause.SPOT: "MaxWaitTimeExceeded"}
    if cause in given:
        ending = only(step(given[cause]))
    elif cause is Cause.VERDICT:
        ending = only(step("Not good enough.", is_verdict=True))
    else:
        stopped = job("Stopped", "Training", secondary_status=secondary.get(cause, "Stopped"))
        ending = only(step(), jobs=(stopped,))

    said, command = advice([ending], ARN, PLACE)

    assert ending.cause is cause
    assert said
    assert bool(command) == cause.may_pass
    assert ("--retry" in command) == cause.may_pass


def test_the_limit_of_every_step_with_a_job_has_a_setting(assembly):
    steps = assembly.definition("dev").steps
    with_jobs = {n for n, found in steps.items() if found["Type"] in ("Processing", "Training")}

    assert set(SETTINGS) == with_jobs
    for section in SETTINGS.values():
        assert getattr(load("dev"), section).max_runtime_seconds


def test_jobs_are_found_by_arns_in_lower_case_and_by_cut_names():
    name = "RossmannModelTrainingOfAll"
    cut = job("Failed", "Training", name[:20])
    ended = step(name=name)
    lower = Step(**(ended.__dict__ | {"job": cut.name.lower()}))
    execution = Execution(ARN, "Failed", "", "", "d", (lower,), (cut,))

    assert execution.job(lower) is cut
    assert execution.jobs_of(lower) == (cut,)
    assert not job(name="Rossmann").is_of(lower)
