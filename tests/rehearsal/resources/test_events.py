"""The events that SageMaker sends, as a queue behind an EventBridge rule receives them."""

import json

import pytest

from tests.rehearsal.conftest import eventually
from tests.rehearsal.resources.conftest import IMAGE, make_config


@pytest.fixture
def received(server, name):
    """A rule on all events of SageMaker; gives the events of a detail-type about an ARN."""
    sqs, events = server.client("sqs"), server.client("events")
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    events.put_rule(Name=name, EventPattern=json.dumps({"source": ["aws.sagemaker"]}))
    target = {"Id": "queue", "Arn": arn["Attributes"]["QueueArn"]}
    events.put_targets(Rule=name, Targets=[target])
    kept = []

    def of(detail_type, resource):
        batch = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        for message in batch:
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
            kept.append(json.loads(message["Body"]))
        return [
            event["detail"]
            for event in kept
            if event["detail-type"] == detail_type and resource in event["resources"]
        ]

    yield of
    events.remove_targets(Rule=name, Ids=["queue"])
    events.delete_rule(Name=name)


def test_an_execution_and_its_steps_send_their_statuses(sagemaker, received, pipeline):
    arn = sagemaker.start_pipeline_execution(PipelineName=pipeline())["PipelineExecutionArn"]

    def of_execution():
        found = received("SageMaker Model Building Pipeline Execution Status Change", arn)
        return found if len(found) == 2 else None

    first, last = eventually(of_execution)
    assert first["currentPipelineExecutionStatus"] == "Executing"
    assert last["previousPipelineExecutionStatus"] == "Executing"
    assert last["currentPipelineExecutionStatus"] == "Succeeded"
    assert last["executionEndTime"].endswith("Z")

    steps = received("SageMaker Model Building Pipeline Execution Step Status Change", arn)
    assert steps[-1]["currentStepStatus"] == "Succeeded"
    assert (steps[-1]["stepName"], steps[-1]["stepType"]) == ("Work", "Processing")
    assert ":processing-job/" in steps[-1]["metadata"]["processingJob"]["arn"]


def test_a_job_sends_its_statuses(sagemaker, received, name, training):
    arn = sagemaker.create_training_job(**training(name, "Failed"))["TrainingJobArn"]

    def failed():
        found = received("SageMaker Training Job State Change", arn)
        return [d for d in found if d["TrainingJobStatus"] == "Failed"]

    detail = eventually(failed)[0]
    assert detail["TrainingJobName"] == name
    assert detail["FailureReason"] == "AlgorithmError: it was told to fail"
    assert isinstance(detail["CreationTime"], int)


def test_an_approval_sends_the_package_and_what_changed(sagemaker, received, name):
    sagemaker.create_model_package_group(ModelPackageGroupName=name)
    arn = sagemaker.create_model_package(
        ModelPackageGroupName=name,
        InferenceSpecification={
            "Containers": [{"Image": IMAGE}],
            "SupportedContentTypes": ["image/jpeg"],
            "SupportedResponseMIMETypes": ["application/json"],
        },
    )["ModelPackageArn"]
    sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")
    sagemaker.update_model_package(
        ModelPackageArn=arn, ModelApprovalStatus="Approved", SourceUri="s3://tests/source"
    )

    def sent():
        found = received("SageMaker Model Package State Change", arn)
        return found if len(found) == 3 else None

    told = [
        (detail["ModelApprovalStatus"], detail.get("UpdatedModelPackageFields"))
        for detail in eventually(sent)
    ]
    assert told == [
        ("PendingManualApproval", None),
        ("Approved", ["ModelApprovalStatus"]),
        ("Approved", ["sourceUri"]),
    ]


def test_an_endpoint_sends_its_status_in_capitals(sagemaker, received, name):
    make_config(sagemaker, name)
    arn = sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)["EndpointArn"]

    def statuses():
        found = received("SageMaker Endpoint State Change", arn)
        return [d["EndpointStatus"] for d in found] if len(found) == 2 else None

    assert eventually(statuses) == ["CREATING", "IN_SERVICE"]
