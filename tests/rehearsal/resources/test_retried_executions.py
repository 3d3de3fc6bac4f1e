"""RetryPipelineExecution, as a boto3 client sees it."""

import json
import uuid

import pytest
from botocore.exceptions import ClientError

from tests.rehearsal.conftest import ROLE, eventually


def refusal(call, **request):
    with pytest.raises(ClientError) as raised:
        call(**request)
    return raised.value.response["Error"]


def ended(sagemaker, arn):
    execution = sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
    running = execution["PipelineExecutionStatus"] in ("Executing", "Stopping")
    return None if running else execution


def retry(sagemaker, arn, **more):
    asked = {"PipelineExecutionArn": arn, "ClientRequestToken": str(uuid.uuid4())} | more
    return sagemaker.retry_pipeline_execution(**asked)["PipelineExecutionArn"]


def steps_of(sagemaker, arn):
    listed = sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=arn)
    return {step["StepName"]: step for step in listed["PipelineExecutionSteps"]}


def jobs_of(sagemaker, arn, step):
    listed = sagemaker.list_processing_jobs(NameContains=f"{arn.rpartition('/')[2]}-{step}")
    return listed["ProcessingJobSummaries"]


@pytest.fixture
def started(sagemaker, name, processing):
    """Starts an execution whose first step completes and whose second has the given outcome."""

    def start(outcome):
        steps = []
        for step, its_outcome in (("First", "Completed"), ("Second", outcome)):
            arguments = processing("x", its_outcome)
            del arguments["ProcessingJobName"]
            steps.append({"Name": step, "Type": "Processing", "Arguments": arguments})
        steps[1]["DependsOn"] = ["First"]
        body = {"Version": "2020-12-01", "Parameters": [], "Steps": steps}
        sagemaker.create_pipeline(
            PipelineName=name, PipelineDefinition=json.dumps(body), RoleArn=ROLE
        )
        return sagemaker.start_pipeline_execution(PipelineName=name)["PipelineExecutionArn"]

    return start


def test_a_failed_execution_goes_on_from_its_failed_step(sagemaker, started):
    arn = started("Failed")
    assert eventually(lambda: ended(sagemaker, arn))["PipelineExecutionStatus"] == "Failed"
    first = steps_of(sagemaker, arn)["First"]

    assert retry(sagemaker, arn) == arn

    eventually(lambda: len(jobs_of(sagemaker, arn, "Second")) == 2 and ended(sagemaker, arn))
    assert len(jobs_of(sagemaker, arn, "First")) == 1
    assert steps_of(sagemaker, arn)["First"] == first
    assert "FailureReason" in ended(sagemaker, arn)


def test_a_stopped_execution_goes_on_and_shows_no_reason_while_it_runs(sagemaker, started):
    arn = started("Hang")
    for count in (1, 2):
        eventually(lambda count=count: len(jobs_of(sagemaker, arn, "Second")) == count)
        running = sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
        assert running["PipelineExecutionStatus"] == "Executing"
        assert "FailureReason" not in running
        sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn)
        assert eventually(lambda: ended(sagemaker, arn))["PipelineExecutionStatus"] == "Stopped"
        if count == 1:
            retry(sagemaker, arn)
    assert len(jobs_of(sagemaker, arn, "First")) == 1


def test_the_definition_that_was_started_is_retried(sagemaker, started, name, definition):
    arn = started("Failed")
    eventually(lambda: ended(sagemaker, arn))
    sagemaker.update_pipeline(PipelineName=name, PipelineDefinition=definition())

    retry(sagemaker, arn)

    eventually(lambda: len(jobs_of(sagemaker, arn, "Second")) == 2 and ended(sagemaker, arn))
    assert sorted(steps_of(sagemaker, arn)) == ["First", "Second"]


def test_one_token_retries_once(sagemaker, started):
    arn = started("Failed")
    eventually(lambda: ended(sagemaker, arn))
    token = str(uuid.uuid4())

    for _ in range(3):
        assert retry(sagemaker, arn, ClientRequestToken=token) == arn
        eventually(lambda: ended(sagemaker, arn))

    assert len(jobs_of(sagemaker, arn, "Second")) == 2


def test_an_execution_that_runs_is_not_retried(sagemaker, started):
    arn = started("Hang")
    request = {"PipelineExecutionArn": arn, "ClientRequestToken": str(uuid.uuid4())}
    error = refusal(sagemaker.retry_pipeline_execution, **request)
    assert error["Code"] == "ConflictException"
    assert "is Executing and can't be retried" in error["Message"]
    sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn)
    eventually(lambda: ended(sagemaker, arn))


def test_an_execution_that_succeeded_is_not_retried(sagemaker, started):
    arn = started("Completed")
    assert eventually(lambda: ended(sagemaker, arn))["PipelineExecutionStatus"] == "Succeeded"
    request = {"PipelineExecutionArn": arn, "ClientRequestToken": str(uuid.uuid4())}
    error = refusal(sagemaker.retry_pipeline_execution, **request)
    assert error["Code"] == "ConflictException"
    assert "is Succeeded and can't be retried" in error["Message"]


def test_an_execution_that_is_not_there_is_refused(sagemaker, started):
    arn = f"{started('Completed').rpartition('/')[0]}/nothere00000"
    request = {"PipelineExecutionArn": arn, "ClientRequestToken": str(uuid.uuid4())}
    assert refusal(sagemaker.retry_pipeline_execution, **request)["Code"] == "ResourceNotFound"


def test_a_token_that_is_too_short_is_refused(sagemaker, started):
    request = {"PipelineExecutionArn": started("Completed"), "ClientRequestToken": "t" * 31}
    with pytest.raises(Exception, match=r"ClientRequestToken"):
        sagemaker.retry_pipeline_execution(**request)
