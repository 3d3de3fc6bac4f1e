"""A definition of the SageMaker SDK, six steps, from start to end."""

from __future__ import annotations

import re

from .harness import Harness

_EVALUATION = "s3://working/executions/exec00000001/evaluation/evaluation.json"


def _evaluated(harness: Harness, accuracy: float) -> None:
    metrics = {"accuracy": {"value": accuracy, "standard_deviation": "NaN"}}
    harness.s3[_EVALUATION] = {"multiclass_classification_metrics": metrics}


def test_a_good_model_is_registered_after_all_its_steps(
    harness: Harness, training_pipeline: str
) -> None:
    _evaluated(harness, 0.97)
    status, steps = harness.run(training_pipeline, DropId="monday")

    assert status == "Succeeded"
    assert list(steps) == [
        "CreateManifests",
        "ShardImages",
        "TrainModel",
        "EvaluateModel",
        "CheckQuality",
        "RegisterModel",
    ]
    assert {step["StepStatus"] for step in steps.values()} == {"Succeeded"}
    assert steps["CheckQuality"]["Metadata"] == {"Condition": {"Outcome": "True"}}
    assert steps["RegisterModel"]["Metadata"]["RegisterModel"]["Arn"].endswith("/models/1")
    assert re.search(
        "processing-job/pipelines-exec00000001-CreateManifests-[A-Za-z0-9]{10}$",
        steps["CreateManifests"]["Metadata"]["ProcessingJob"]["Arn"],
    )


def test_a_bad_model_is_rejected_with_the_reason_and_not_registered(
    harness: Harness, training_pipeline: str
) -> None:
    _evaluated(harness, 0.5)
    arn = harness.start(training_pipeline, DropId="monday")

    assert harness.end(arn) == {
        "PipelineExecutionStatus": "Failed",
        "FailureReason": "Step failure: One or multiple steps failed.",
    }
    steps = harness.steps(arn)
    assert "RegisterModel" not in steps
    assert steps["CheckQuality"]["Metadata"] == {"Condition": {"Outcome": "False"}}
    assert steps["RejectModel"]["FailureReason"] == "Accuracy 0.5 is below 0.9"
    assert steps["RejectModel"]["Metadata"] == {
        "Fail": {"ErrorMessage": "Accuracy 0.5 is below 0.9"}
    }


def test_parameters_reach_the_requests_in_their_types(
    harness: Harness, training_pipeline: str
) -> None:
    _evaluated(harness, 0.97)
    harness.run(training_pipeline, DropId="monday", Epochs="5", Hosts="4")

    create, shard, _ = harness.sagemaker.requests_of("CreateProcessingJob")
    (train,) = harness.sagemaker.requests_of("CreateTrainingJob")
    arguments = create["AppSpecification"]["ContainerArguments"]
    assert arguments == ["--drop-id", "monday", "--epochs", "5"]
    assert shard["ProcessingResources"]["ClusterConfig"]["InstanceCount"] == 4
    assert train["HyperParameters"] == {"epochs": "5", "seed": "7"}


def test_a_step_s_properties_lead_to_the_outputs_of_the_step_before(
    harness: Harness, training_pipeline: str
) -> None:
    _evaluated(harness, 0.97)
    harness.run(training_pipeline, DropId="monday")

    _, shard, evaluate = harness.sagemaker.requests_of("CreateProcessingJob")
    (train,) = harness.sagemaker.requests_of("CreateTrainingJob")
    (package,) = harness.sagemaker.requests_of("CreateModelPackage")
    folder = "s3://working/executions/exec00000001"
    model = f"s3://artifacts/models/{train['TrainingJobName']}/output/model.tar.gz"
    assert [item["S3Input"]["S3Uri"] for item in shard["ProcessingInputs"]] == [
        f"{folder}/manifests/{name}.manifest" for name in ("train", "validation", "test")
    ]
    assert evaluate["ProcessingInputs"][0]["S3Input"]["S3Uri"] == model
    assert package["InferenceSpecification"]["Containers"][0]["ModelDataUrl"] == model
    assert package["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"] == _EVALUATION


def test_an_output_that_ends_in_a_slash_holds_its_property_file_all_the_same(
    harness: Harness, training_pipeline: str
) -> None:
    _evaluated(harness, 0.97)
    status, _ = harness.run(
        training_pipeline.replace('"evaluation"]', '"evaluation/"]'), DropId="x"
    )
    assert status == "Succeeded"


def test_an_evaluation_that_is_missing_fails_the_condition_with_its_place(
    harness: Harness, training_pipeline: str
) -> None:
    status, steps = harness.run(training_pipeline, DropId="monday")

    assert status == "Failed"
    assert steps["CheckQuality"]["StepStatus"] == "Failed"
    assert _EVALUATION in steps["CheckQuality"]["FailureReason"]


def test_a_metric_that_is_missing_fails_the_condition_with_its_path(
    harness: Harness, training_pipeline: str
) -> None:
    harness.s3[_EVALUATION] = {"multiclass_classification_metrics": {}}
    status, steps = harness.run(training_pipeline, DropId="monday")

    assert status == "Failed"
    reason = steps["CheckQuality"]["FailureReason"]
    assert "'multiclass_classification_metrics.accuracy.value'" in reason
    assert "there is no 'accuracy'" in reason


def test_an_internal_error_of_the_sharding_job_is_tried_again(
    harness: Harness, training_pipeline: str
) -> None:
    _evaluated(harness, 0.97)
    harness.sagemaker.plan("ShardImages", "InternalServerError: try again")
    status, steps = harness.run(training_pipeline, DropId="monday")

    assert status == "Succeeded"
    assert harness.sagemaker.created().count("ShardImages") == 2
    assert steps["ShardImages"]["AttemptCount"] == 2
