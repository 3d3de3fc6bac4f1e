"""The pipeline as it is deployed."""

import json
import re

import pytest

CHANNELS = ("train", "validation", "test")


def references(value):
    """Names of the steps that a value refers to."""
    return set(re.findall(r'"Get": "Steps\.(\w+)', json.dumps(value)))


def by_name(items, key):
    return {item[key]: item for item in items}


def inputs(definition, step):
    return by_name(definition.arguments(step)["ProcessingInputs"], "InputName")


def options(definition, step):
    """The container's arguments by option."""
    given = definition.arguments(step)["AppSpecification"]["ContainerArguments"]
    return dict(zip(given[::2], given[1::2], strict=True))


def test_the_pipeline_has_the_documented_steps(assembly):
    assert {name: step["Type"] for name, step in assembly.definition().steps.items()} == {
        "CreateManifests": "Processing",
        "ShardImages": "Processing",
        "TrainModel": "Training",
        "EvaluateModel": "Processing",
        "CheckQuality": "Condition",
        "RegisterModel": "RegisterModel",
        "RejectModel": "Fail",
    }


def test_steps_depend_on_each_other_by_the_properties_they_refer_to(assembly):
    steps = assembly.definition().steps
    assert {name: references(step) for name, step in steps.items() if name != "CheckQuality"} == {
        "CreateManifests": set(),
        "ShardImages": {"CreateManifests"},
        "TrainModel": {"CreateManifests", "ShardImages"},
        "EvaluateModel": {"ShardImages", "TrainModel"},
        "RegisterModel": {"TrainModel", "EvaluateModel"},
        "RejectModel": {"EvaluateModel"},
    }
    assert references(steps["CheckQuality"]["Arguments"]["Conditions"]) == {"EvaluateModel"}


def test_only_the_drop_has_no_default(assembly):
    parameters = assembly.definition().parameters
    assert [name for name, default in parameters.items() if default is None] == ["DropId"]
    assert set(parameters) == {
        "DropId",
        "AccuracyThreshold",
        "ValidationFraction",
        "TestFraction",
        "MinimumPerClassAndChannel",
        "MaximumQuarantinedShare",
        "Epochs",
        "Seed",
    }


def test_images_are_sharded_over_as_many_instances_as_training_has_workers(assembly, wide):
    for synthesised, hosts, workers in ((assembly, 2, 2), (wide, 3, 6)):
        definition = synthesised.definition("dev")
        training = definition.arguments("TrainModel")["ResourceConfig"]
        sharding = definition.arguments("ShardImages")["ProcessingResources"]["ClusterConfig"]
        assert training["InstanceCount"] == hosts
        assert sharding["InstanceCount"] == workers


@pytest.mark.parametrize("channel", CHANNELS)
def test_each_channel_is_a_manifest_that_is_sharded_by_key(assembly, channel):
    source = inputs(assembly.definition(), "ShardImages")[channel]["S3Input"]
    assert source["S3DataType"] == "ManifestFile"
    assert source["S3DataDistributionType"] == "ShardedByS3Key"
    assert source["LocalPath"] == f"/opt/ml/processing/input/{channel}"
    assert f"{channel}.manifest" in json.dumps(source["S3Uri"])


@pytest.mark.parametrize(
    ("name", "file"), [("labels", "labels.json"), ("lineage", "objects.parquet")]
)
def test_every_host_gets_the_labels_and_the_table_of_objects(assembly, name, file):
    source = inputs(assembly.definition(), "ShardImages")[name]["S3Input"]
    assert source["S3DataType"] == "S3Prefix"
    assert source["S3DataDistributionType"] == "FullyReplicated"
    assert source["LocalPath"] == f"/opt/ml/processing/input/{name}"
    assert source["S3Uri"]["Std:Join"]["Values"][1] == file


def test_settings_of_the_data_reach_the_steps_as_arguments(assembly):
    definition = assembly.definition()
    assert options(definition, "CreateManifests")["--class-share-drift"] == "0.1"
    sharding = options(definition, "ShardImages")
    assert sharding["--compression"] == "none"
    assert sharding["--memory-megabytes"] == "2048"


def test_the_test_channel_never_reaches_training(assembly):
    channels = assembly.definition().arguments("TrainModel")["InputDataConfig"]
    assert [channel["ChannelName"] for channel in channels] == ["train", "validation", "labels"]
    assert "Outputs['test']" not in json.dumps(channels)


def test_outputs_lie_where_the_architecture_says(assembly):
    definition = assembly.definition()
    found = {}
    for step in ("CreateManifests", "ShardImages", "EvaluateModel"):
        for output in definition.arguments(step)["ProcessingOutputConfig"]["Outputs"]:
            uri = output["S3Output"]["S3Uri"]["Std:Join"]
            parts = ["{id}" if isinstance(part, dict) else part for part in uri["Values"]]
            found[output["OutputName"]] = "/".join(parts).split("/", 3)[3]
    assert found == {
        "manifests": "executions/{id}/manifests",
        "lineage": "lineage/{id}",
        "train": "executions/{id}/shards/train",
        "validation": "executions/{id}/shards/validation",
        "test": "executions/{id}/shards/test",
        "report": "executions/{id}/shards/report",
        "quarantine": "lineage/{id}/quarantine",
        "evaluation": "executions/{id}/evaluation",
    }


def test_only_create_manifests_has_a_network(assembly):
    definition = assembly.definition()
    isolated = {
        name: definition.arguments(name)["NetworkConfig"]["EnableNetworkIsolation"]
        for name in ("CreateManifests", "ShardImages", "EvaluateModel")
    }
    assert isolated == {"CreateManifests": False, "ShardImages": True, "EvaluateModel": True}
    training = definition.arguments("TrainModel")
    assert training["EnableNetworkIsolation"]
    assert training["EnableInterContainerTrafficEncryption"]


def test_hyperparameters_are_strings_or_expressions_that_become_strings(assembly):
    given = assembly.definition().arguments("TrainModel")["HyperParameters"]
    assert list(given) == [
        "epochs",
        "batch_size",
        "learning_rate",
        "seed",
        "image_size",
        "model",
        "workers_per_host",
        "log_records",
    ]
    assert all(isinstance(value, str) or "Std:Join" in value for value in given.values())
    assert given["log_records"] == "true"


def test_metrics_are_read_from_the_line_that_training_logs(assembly):
    line = (
        "epoch=3 loss=0.123 accuracy=0.98 validation_loss=2.5e-05 validation_accuracy=0.97 "
        "images_per_second=812"
    )
    metrics = assembly.definition().arguments("TrainModel")["AlgorithmSpecification"]
    read = {m["Name"]: re.findall(m["Regex"], line) for m in metrics["MetricDefinitions"]}
    assert read == {
        "loss": ["0.123"],
        "accuracy": ["0.98"],
        "validation_loss": ["2.5e-05"],
        "validation_accuracy": ["0.97"],
        "images_per_second": ["812"],
    }


def test_a_model_below_the_threshold_is_not_registered(assembly):
    check = assembly.definition().arguments("CheckQuality")
    (condition,) = check["Conditions"]
    assert condition["Type"] == "GreaterThanOrEqualTo"
    assert condition["LeftValue"]["Std:JsonGet"]["Path"] == (
        "multiclass_classification_metrics.accuracy.value"
    )
    assert condition["RightValue"] == {"Get": "Parameters.AccuracyThreshold"}
    assert [step["Name"] for step in check["IfSteps"]] == ["RegisterModel"]
    assert [step["Name"] for step in check["ElseSteps"]] == ["RejectModel"]


def test_the_property_file_that_is_checked_is_an_output_of_evaluation(assembly):
    definition = assembly.definition()
    (file,) = definition.steps["EvaluateModel"]["PropertyFiles"]
    get = definition.arguments("CheckQuality")["Conditions"][0]["LeftValue"]["Std:JsonGet"]
    assert get["PropertyFile"]["Get"].endswith(f"PropertyFiles.{file['PropertyFileName']}")
    outputs = definition.arguments("EvaluateModel")["ProcessingOutputConfig"]["Outputs"]
    assert file["OutputName"] in by_name(outputs, "OutputName")


def test_a_registered_model_waits_for_approval_and_carries_its_metrics(assembly):
    package = assembly.definition().arguments("RegisterModel")
    assert package["ModelApprovalStatus"] == "PendingManualApproval"
    statistics = package["ModelMetrics"]["ModelQuality"]["Statistics"]
    assert "evaluation.json" in json.dumps(statistics["S3Uri"])
    assert set(package["CustomerMetadataProperties"]) == {"DropId", "PipelineExecutionArn"}


@pytest.mark.parametrize("step", ["CreateManifests", "ShardImages", "TrainModel", "EvaluateModel"])
def test_a_job_is_tried_again_after_throttling_and_internal_errors(assembly, step):
    policies = assembly.definition().steps[step]["RetryPolicies"]
    types = {kind for policy in policies for kind in policy["ExceptionType"]}
    assert {"Step.THROTTLING", "Step.SERVICE_FAULT", "SageMaker.JOB_INTERNAL_ERROR"} <= types
    assert all(policy["MaxAttempts"] for policy in policies)


def test_each_step_runs_under_the_role_of_its_duty(assembly):
    definition = assembly.definition()
    roles = {
        step: definition.arguments(step)["RoleArn"].split("Roles")[1][:4]
        for step in ("CreateManifests", "ShardImages", "TrainModel", "EvaluateModel")
    }
    assert roles == {
        "CreateManifests": "Proc",
        "ShardImages": "Proc",
        "TrainModel": "Trai",
        "EvaluateModel": "Eval",
    }


@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_a_definition_is_within_the_limit_of_sagemaker(assembly, environment):
    assert len(json.dumps(assembly.definition(environment).content)) < 1_048_576
