"""Jobs whose ARNs have their names in lower case."""

import json

import pytest

from rehearsal.modes import Modes
from tests.rehearsal.conftest import ROLE, Server, eventually


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    modes = Modes(lower_case_arns=True)
    started = Server(tmp_path_factory.mktemp("lower"), modes=modes).start()
    yield started
    started.end()


@pytest.fixture
def sagemaker(server):
    return server.client("sagemaker")


def test_a_job_has_its_own_name_and_an_arn_in_lower_case(sagemaker, training):
    made = sagemaker.create_training_job(**training("Train-Me"))["TrainingJobArn"]
    assert made == "arn:aws:sagemaker:us-east-1:000000000000:training-job/train-me"

    described = sagemaker.describe_training_job(TrainingJobName="Train-Me")
    (listed,) = sagemaker.list_training_jobs()["TrainingJobSummaries"]
    for shown in (described, listed):
        assert (shown["TrainingJobName"], shown["TrainingJobArn"]) == ("Train-Me", made)
    sagemaker.add_tags(ResourceArn=made, Tags=[{"Key": "a", "Value": "b"}])
    assert sagemaker.list_tags(ResourceArn=made)["Tags"] == [{"Key": "a", "Value": "b"}]
    with pytest.raises(sagemaker.exceptions.ResourceInUse):
        sagemaker.create_training_job(**training("TRAIN-me"))


def test_the_steps_of_a_pipeline_show_such_arns(sagemaker, processing, name):
    arguments = processing("x")
    del arguments["ProcessingJobName"]
    step = {"Name": "DoWork", "Type": "Processing", "Arguments": arguments}
    body = json.dumps({"Version": "2020-12-01", "Steps": [step]})
    sagemaker.create_pipeline(PipelineName=name, PipelineDefinition=body, RoleArn=ROLE)
    arn = sagemaker.start_pipeline_execution(PipelineName=name)["PipelineExecutionArn"]

    def succeeded():
        (found,) = sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=arn)[
            "PipelineExecutionSteps"
        ] or [{"StepStatus": "Starting"}]
        return found if found["StepStatus"] == "Succeeded" else None

    shown = eventually(succeeded)["Metadata"]["ProcessingJob"]["Arn"]
    (job,) = sagemaker.list_processing_jobs(NameContains="DoWork")["ProcessingJobSummaries"]
    job_name = job["ProcessingJobName"]
    assert "-DoWork-" in job_name
    assert shown == job["ProcessingJobArn"] == shown.lower()
    assert shown.rpartition("/")[2] == job_name.lower()
