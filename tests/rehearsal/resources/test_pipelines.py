"""Pipelines and their executions, as a boto3 client sees them."""

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


def test_a_pipeline_is_described_with_the_definition_it_was_made_of(sagemaker, name, definition):
    arn = sagemaker.create_pipeline(
        PipelineName=name, PipelineDefinition=definition(), RoleArn=ROLE
    )["PipelineArn"]
    described = sagemaker.describe_pipeline(PipelineName=arn)
    assert described["PipelineName"] == name
    assert described["PipelineStatus"] == "Active"
    assert described["PipelineDefinition"] == definition()


def test_a_definition_may_lie_in_s3(server, sagemaker, name, definition):
    s3 = server.client("s3")
    s3.create_bucket(Bucket=f"bucket-{name}")
    s3.put_object(Bucket=f"bucket-{name}", Key="a b.json", Body=definition().encode())
    place = {"Bucket": f"bucket-{name}", "ObjectKey": "a b.json"}
    sagemaker.create_pipeline(PipelineName=name, PipelineDefinitionS3Location=place, RoleArn=ROLE)
    assert sagemaker.describe_pipeline(PipelineName=name)["PipelineDefinition"] == definition()
    place["ObjectKey"] = "nowhere.json"
    error = refusal(
        sagemaker.update_pipeline, PipelineName=name, PipelineDefinitionS3Location=place
    )
    assert "nowhere.json can't be read" in error["Message"]


def test_a_definition_that_is_wrong_is_refused(sagemaker, name):
    error = refusal(
        sagemaker.create_pipeline, PipelineName=name, PipelineDefinition="{}", RoleArn=ROLE
    )
    assert error["Code"] == "ValidationException"
    assert refusal(sagemaker.describe_pipeline, PipelineName=name)["Code"] == "ResourceNotFound"


def test_a_pipeline_name_is_used_once(sagemaker, pipeline, definition):
    error = refusal(
        sagemaker.create_pipeline,
        PipelineName=pipeline(),
        PipelineDefinition=definition(),
        RoleArn=ROLE,
    )
    assert error["Code"] == "ValidationException"
    assert "already exists" in error["Message"]


def test_an_execution_runs_its_steps_and_shows_them(sagemaker, pipeline):
    arn = sagemaker.start_pipeline_execution(PipelineName=pipeline())["PipelineExecutionArn"]
    assert eventually(lambda: ended(sagemaker, arn))["PipelineExecutionStatus"] == "Succeeded"
    (step,) = sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=arn)[
        "PipelineExecutionSteps"
    ]
    assert (step["StepName"], step["StepStatus"]) == ("Work", "Succeeded")
    job = step["Metadata"]["ProcessingJob"]["Arn"].rpartition("/")[2]
    described = sagemaker.describe_processing_job(ProcessingJobName=job)
    assert described["ProcessingJobStatus"] == "Completed"


def test_one_token_starts_one_execution(sagemaker, pipeline):
    asked = {
        "PipelineName": pipeline(),
        "ClientRequestToken": str(uuid.uuid4()),
        "PipelineParameters": [{"Name": "Epochs", "Value": "1"}],
    }
    arns = {sagemaker.start_pipeline_execution(**asked)["PipelineExecutionArn"] for _ in range(4)}
    assert len(arns) == 1
    listed = sagemaker.list_pipeline_executions(PipelineName=asked["PipelineName"])
    assert len(listed["PipelineExecutionSummaries"]) == 1

    asked["PipelineParameters"] = [{"Name": "Epochs", "Value": "2"}]
    assert refusal(sagemaker.start_pipeline_execution, **asked)["Code"] == "ConflictException"


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ([{"Name": "Epochs", "Value": "many"}], "'Epochs' is of type Integer"),
        ([{"Name": "Nope", "Value": "1"}], "no parameter 'Nope'"),
        ([{"Name": "Drop", "Value": "c"}], "one of a, b"),
        ([{"Name": "Drop", "Value": "a"}, {"Name": "Drop", "Value": "b"}], "more than once"),
    ],
)
def test_a_wrong_parameter_starts_nothing(sagemaker, pipeline, parameters, said):
    name = pipeline()
    error = refusal(
        sagemaker.start_pipeline_execution, PipelineName=name, PipelineParameters=parameters
    )
    assert error["Code"] == "ValidationException"
    assert said in error["Message"]
    assert not sagemaker.list_pipeline_executions(PipelineName=name)["PipelineExecutionSummaries"]


def test_an_execution_keeps_the_definition_and_parameters_it_started_with(
    sagemaker, pipeline, definition
):
    name = pipeline()
    arn = sagemaker.start_pipeline_execution(
        PipelineName=name, PipelineParameters=[{"Name": "Drop", "Value": "b"}]
    )["PipelineExecutionArn"]
    sagemaker.update_pipeline(PipelineName=name, PipelineDefinition=definition("Failed"))
    kept = sagemaker.describe_pipeline_definition_for_execution(PipelineExecutionArn=arn)
    assert json.loads(kept["PipelineDefinition"]) == json.loads(definition())
    values = sagemaker.list_pipeline_parameters_for_execution(PipelineExecutionArn=arn)
    assert values["PipelineParameters"] == [
        {"Name": "Epochs", "Value": "3"},
        {"Name": "Drop", "Value": "b"},
    ]


def test_a_running_execution_is_stopped_with_its_jobs(sagemaker, pipeline):
    name = pipeline("Hang")
    arn = sagemaker.start_pipeline_execution(PipelineName=name)["PipelineExecutionArn"]

    def job():
        steps = sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=arn)
        found = steps["PipelineExecutionSteps"]
        return found and found[0].get("Metadata", {}).get("ProcessingJob", {}).get("Arn")

    job_name = eventually(job).rpartition("/")[2]
    assert refusal(sagemaker.delete_pipeline, PipelineName=name)["Code"] == "ConflictException"
    sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn)
    assert eventually(lambda: ended(sagemaker, arn))["PipelineExecutionStatus"] == "Stopped"
    described = sagemaker.describe_processing_job(ProcessingJobName=job_name)
    assert described["ProcessingJobStatus"] == "Stopped"
    error = refusal(sagemaker.stop_pipeline_execution, PipelineExecutionArn=arn)
    assert error["Code"] == "ConflictException"


def test_executions_are_listed_newest_first_and_go_with_their_pipeline(sagemaker, pipeline):
    name = pipeline()
    arns = []
    for _ in range(3):
        arns.append(sagemaker.start_pipeline_execution(PipelineName=name)["PipelineExecutionArn"])
        eventually(lambda: ended(sagemaker, arns[-1]))
    pages = sagemaker.get_paginator("list_pipeline_executions").paginate(
        PipelineName=name, PaginationConfig={"PageSize": 2}
    )
    listed = [s["PipelineExecutionArn"] for p in pages for s in p["PipelineExecutionSummaries"]]
    assert listed == arns[::-1]
    sagemaker.delete_pipeline(PipelineName=name)
    error = refusal(sagemaker.describe_pipeline_execution, PipelineExecutionArn=arns[0])
    assert error["Code"] == "ResourceNotFound"


def test_pipelines_are_listed_by_prefix(sagemaker, pipeline):
    name = pipeline()
    found = sagemaker.list_pipelines(PipelineNamePrefix=name)["PipelineSummaries"]
    assert name in [p["PipelineName"] for p in found]
    assert not sagemaker.list_pipelines(PipelineNamePrefix="zzz")["PipelineSummaries"]
