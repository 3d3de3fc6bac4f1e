"""Processing and training jobs, as a boto3 client sees them."""

import pytest
from botocore.exceptions import ClientError

from tests.rehearsal.conftest import eventually


def ended(sagemaker, name):
    job = sagemaker.describe_processing_job(ProcessingJobName=name)
    return job if job["ProcessingJobStatus"] not in ("InProgress", "Stopping") else None


def ended_training(sagemaker, name):
    job = sagemaker.describe_training_job(TrainingJobName=name)
    return job if job["TrainingJobStatus"] not in ("InProgress", "Stopping") else None


def refusal(call, **request):
    with pytest.raises(ClientError) as raised:
        call(**request)
    return raised.value.response["Error"]


def test_a_processing_job_is_described_with_its_request_and_its_end(sagemaker, name, processing):
    arn = sagemaker.create_processing_job(**processing(name))["ProcessingJobArn"]
    job = eventually(lambda: ended(sagemaker, name))
    assert arn == f"arn:aws:sagemaker:us-east-1:000000000000:processing-job/{name}"
    assert job["ProcessingJobStatus"] == "Completed"
    assert job["AppSpecification"]["ImageUri"].endswith("tests:1")
    assert job["ProcessingStartTime"] <= job["ProcessingEndTime"]


def test_a_training_job_shows_the_statuses_that_it_passed(sagemaker, name, training):
    sagemaker.create_training_job(**training(name))
    job = eventually(lambda: ended_training(sagemaker, name))
    assert [t["Status"] for t in job["SecondaryStatusTransitions"]] == [
        "Starting",
        "Training",
        "Completed",
    ]
    assert all("EndTime" in t for t in job["SecondaryStatusTransitions"])
    assert job["ModelArtifacts"]["S3ModelArtifacts"] == "s3://tests/models/model.tar.gz"


def test_a_failed_job_says_why(sagemaker, name, training):
    sagemaker.create_training_job(**training(name, "Failed"))
    job = eventually(lambda: ended_training(sagemaker, name))
    assert (job["TrainingJobStatus"], job["FailureReason"]) == (
        "Failed",
        "AlgorithmError: it was told to fail",
    )


@pytest.mark.parametrize(
    ("spot", "wait_time", "said"),
    [
        (False, 60, "only supported when EnableManagedSpotTraining is set to true"),
        (True, None, "must be present and be greater than or equal to MaxRuntimeInSeconds"),
        (True, 59, "must be present and be greater than or equal to MaxRuntimeInSeconds"),
    ],
)
def test_a_wait_time_must_fit_to_managed_spot_training(sagemaker, training, spot, wait_time, said):
    name = f"wait-{spot}-{wait_time}"
    asked = training(name, EnableManagedSpotTraining=spot)
    if wait_time is not None:
        asked["StoppingCondition"]["MaxWaitTimeInSeconds"] = wait_time
    error = refusal(sagemaker.create_training_job, **asked)
    assert error["Code"] == "ValidationException"
    assert said in error["Message"]
    assert not sagemaker.list_training_jobs(NameContains=name)["TrainingJobSummaries"]


def test_a_managed_spot_job_is_described_as_one(sagemaker, name, training):
    asked = training(name, EnableManagedSpotTraining=True)
    asked["StoppingCondition"]["MaxWaitTimeInSeconds"] = 60
    asked["CheckpointConfig"] = {"S3Uri": "s3://tests/checkpoints"}
    sagemaker.create_training_job(**asked)
    job = sagemaker.describe_training_job(TrainingJobName=name)
    for member in ("EnableManagedSpotTraining", "StoppingCondition", "CheckpointConfig"):
        assert job[member] == asked[member]


def test_a_running_job_can_be_stopped_and_an_ended_one_can_not(sagemaker, name, processing):
    sagemaker.create_processing_job(**processing(name, "Hang"))
    sagemaker.stop_processing_job(ProcessingJobName=name)
    assert eventually(lambda: ended(sagemaker, name))["ProcessingJobStatus"] == "Stopped"
    error = refusal(sagemaker.stop_processing_job, ProcessingJobName=name)
    assert error["Code"] == "ValidationException"
    assert "in status Stopped" in error["Message"]


def test_a_job_name_is_used_once(sagemaker, name, processing, training):
    sagemaker.create_processing_job(**processing(name))
    assert refusal(sagemaker.create_processing_job, **processing(name))["Code"] == "ResourceInUse"
    sagemaker.create_training_job(**training(name))
    assert refusal(sagemaker.create_training_job, **training(name))["Code"] == "ResourceInUse"


def test_a_job_that_is_not_there_is_refused_in_sagemakers_words(sagemaker):
    error = refusal(sagemaker.describe_training_job, TrainingJobName="nope")
    assert (error["Code"], error["Message"]) == (
        "ValidationException",
        "Requested resource not found.",
    )


def test_every_violation_of_the_service_model_is_named(sagemaker, name, processing):
    wrong = processing("no_underscores")
    wrong["ProcessingResources"]["ClusterConfig"]["InstanceType"] = "ml.huge"
    wrong["Environment"] = {"K": "v" * 300}
    error = refusal(sagemaker.create_processing_job, **wrong)
    assert error["Code"] == "ValidationException"
    assert "3 validation errors detected" in error["Message"]
    assert "at 'processingJobName' failed to satisfy constraint" in error["Message"]
    assert "'processingResources.clusterConfig.instanceType'" in error["Message"]
    assert "length less than or equal to 256" in error["Message"]


def test_jobs_are_listed_by_filters_order_and_pages(sagemaker, name, processing):
    for number in range(5):
        sagemaker.create_processing_job(**processing(f"{name}-list-{number}"))
        eventually(lambda n=number: ended(sagemaker, f"{name}-list-{n}"))
    sagemaker.create_processing_job(**processing(f"{name}-list-failed", "Failed"))
    eventually(lambda: ended(sagemaker, f"{name}-list-failed"))
    asked = {"NameContains": f"{name}-LIST", "StatusEquals": "Completed", "SortBy": "Name"}
    pages = list(
        sagemaker.get_paginator("list_processing_jobs").paginate(
            **asked, SortOrder="Ascending", PaginationConfig={"PageSize": 2}
        )
    )
    assert [len(page["ProcessingJobSummaries"]) for page in pages] == [2, 2, 1]
    names = [job["ProcessingJobName"] for page in pages for job in page["ProcessingJobSummaries"]]
    assert names == [f"{name}-list-{number}" for number in range(5)]

    newest = sagemaker.list_processing_jobs(NameContains=f"{name}-list", MaxResults=1)
    assert newest["ProcessingJobSummaries"][0]["ProcessingJobName"] == f"{name}-list-failed"


def test_pages_stay_whole_while_jobs_are_added(sagemaker, name, processing):
    for number in range(3):
        sagemaker.create_processing_job(**processing(f"{name}-p{number}"))
    first = sagemaker.list_processing_jobs(NameContains=f"{name}-p", MaxResults=2)
    sagemaker.create_processing_job(**processing(f"{name}-p-late"))
    second = sagemaker.list_processing_jobs(
        NameContains=f"{name}-p", MaxResults=2, NextToken=first["NextToken"]
    )
    assert [j["ProcessingJobName"] for j in second["ProcessingJobSummaries"]] == [f"{name}-p0"]


def test_jobs_are_found_by_their_time(sagemaker, name, processing):
    sagemaker.create_processing_job(**processing(f"{name}-early"))
    time = sagemaker.describe_processing_job(ProcessingJobName=f"{name}-early")["CreationTime"]
    sagemaker.create_processing_job(**processing(f"{name}-later"))
    found = sagemaker.list_processing_jobs(NameContains=f"{name}-", CreationTimeAfter=time)
    assert [j["ProcessingJobName"] for j in found["ProcessingJobSummaries"]] == [f"{name}-later"]


def test_a_token_of_another_query_is_refused(sagemaker, name, processing):
    for number in range(2):
        sagemaker.create_processing_job(**processing(f"{name}-q{number}"))
    token = sagemaker.list_processing_jobs(NameContains=name, MaxResults=1)["NextToken"]
    error = refusal(sagemaker.list_processing_jobs, NameContains="else", NextToken=token)
    assert error["Code"] == "ValidationException"


def test_tags_are_added_listed_and_deleted(sagemaker, name, processing):
    arn = sagemaker.create_processing_job(
        **processing(name, Tags=[{"Key": "team", "Value": "vision"}])
    )["ProcessingJobArn"]
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "größe", "Value": "1"}])
    assert {t["Key"]: t["Value"] for t in sagemaker.list_tags(ResourceArn=arn)["Tags"]} == {
        "team": "vision",
        "größe": "1",
    }
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=["team"])
    assert [t["Key"] for t in sagemaker.list_tags(ResourceArn=arn)["Tags"]] == ["größe"]


def test_an_operation_that_the_rehearsal_lacks_says_so(sagemaker):
    error = refusal(sagemaker.search, Resource="Pipeline")
    assert error["Code"] == "UnknownOperationException"
    assert "The rehearsal has no Search" in error["Message"]


def an_input(name="a", path="/opt/ml/processing/a", **more):
    source = {"S3Uri": "s3://tests/a#1?/", "S3DataType": "S3Prefix", "S3InputMode": "File"}
    return {"InputName": name, "S3Input": source | {"LocalPath": path} | more}


def an_output(name="o", path="/opt/ml/processing/o", mode="EndOfJob"):
    target = {"S3Uri": "s3://tests/o/", "LocalPath": path, "S3UploadMode": mode}
    return {"OutputName": name, "S3Output": target}


def without(value, member):
    del value["S3Input"][member]
    return value


@pytest.mark.parametrize(
    ("inputs", "outputs", "said"),
    [
        ([without(an_input(), "LocalPath")], [], "LocalPath is required"),
        ([without(an_input(), "S3InputMode")], [], "S3InputMode is required"),
        ([an_input(S3InputMode="Pipe")], [], "use File"),
        ([an_input(S3CompressionType="Gzip")], [], "unpacks nothing"),
        ([an_input(path="/opt/ml/code/a")], [], "must be below /opt/ml/processing"),
        ([an_input(), an_input("b")], [], "LocalPath /opt/ml/processing/a is given 2 times"),
        ([an_input(), an_input(path="/opt/ml/processing/b")], [], "input name a is given 2 times"),
        ([], [an_output(mode="Continuous")], "use EndOfJob"),
        ([], [an_output(), an_output("p")], "LocalPath /opt/ml/processing/o is given 2 times"),
        ([], [an_output(path="/opt/ml/model")], "must be below /opt/ml/processing"),
        ([an_input(path="/opt/ml/processing/o/")], [an_output()], "is given 2 times"),
    ],
)
def test_inputs_and_outputs_that_are_not_whole_or_in_each_others_way_are_refused(
    sagemaker, processing, inputs, outputs, said
):
    more = {"ProcessingInputs": inputs, "ProcessingOutputConfig": {"Outputs": outputs}}
    error = refusal(sagemaker.create_processing_job, **processing("refused", **more))
    assert error["Code"] == "ValidationException"
    assert said in error["Message"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"InputMode": "Pipe"}, "the input mode Pipe, use File or FastFile"),
        ({"CompressionType": "Gzip"}, "unpacks nothing"),
    ],
)
def test_a_channel_that_is_piped_or_packed_is_refused(sagemaker, name, training, more, said):
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://tests/train"}}
    channel = {"ChannelName": "train", "DataSource": source} | more
    error = refusal(sagemaker.create_training_job, **training(name, InputDataConfig=[channel]))
    assert error["Code"] == "ValidationException"
    assert said in error["Message"]


@pytest.mark.parametrize("mode", ["File", "FastFile"])
def test_an_augmented_manifest_is_no_channel_of_files(sagemaker, name, training, mode):
    source = {"S3DataType": "AugmentedManifestFile", "S3Uri": "s3://tests/train.manifest"}
    channel = {"ChannelName": "train", "DataSource": {"S3DataSource": source}, "InputMode": mode}
    error = refusal(sagemaker.create_training_job, **training(name, InputDataConfig=[channel]))
    assert error["Code"] == "ValidationException"
    assert f"needs the input mode Pipe and has {mode}" in error["Message"]


def test_a_job_that_is_piped_is_refused_though_it_has_no_channel(sagemaker, name, training):
    wanted = training(name)
    wanted["AlgorithmSpecification"]["TrainingInputMode"] = "Pipe"
    error = refusal(sagemaker.create_training_job, **wanted)
    assert error["Code"] == "ValidationException"
    assert "TrainingInputMode is Pipe, use File or FastFile" in error["Message"]


@pytest.mark.parametrize("member", ["ContainerArguments", "ContainerEntrypoint"])
def test_an_empty_word_of_a_command_is_refused(sagemaker, name, processing, member):
    request = processing(name)
    request["AppSpecification"][member] = ["a", ""]
    error = refusal(sagemaker.create_processing_job, **request)
    assert "may not contain null or empty strings" in error["Message"]


@pytest.mark.parametrize("end", ["\n", "\r", "\u2028"])
def test_a_dot_of_a_pattern_takes_no_line_end_as_in_java(sagemaker, name, processing, end):
    request = processing(name)
    request["AppSpecification"]["ContainerArguments"] = [f"a{end}"]
    error = refusal(sagemaker.create_processing_job, **request)
    assert "must satisfy regular expression pattern: .*" in error["Message"]
