"""The pipeline as it is deployed."""

import json
import re

import pytest

from infra.settings import load

CHANNELS = ("train", "validation", "test")
PROCESSING = ("CreateManifests", "FetchServingModel", "ShardImages", "EvaluateModel")


# What is set nowhere, of pictures of 32 x 32.
SHARDING = {
    "encoding": "raw",
    "jpeg-quality": "95",
    "jpeg-subsampling": "4:4:4",
    "memory-megabytes": "2048",
    "file-megabytes": "256",
}


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
        "FetchServingModel": "Processing",
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
        "FetchServingModel": set(),
        "ShardImages": {"CreateManifests"},
        "TrainModel": {"CreateManifests", "ShardImages"},
        "EvaluateModel": {"FetchServingModel", "ShardImages", "TrainModel"},
        "RegisterModel": {"CreateManifests", "TrainModel", "EvaluateModel"},
        "RejectModel": {"EvaluateModel"},
    }
    assert references(steps["CheckQuality"]["Arguments"]["Conditions"]) == {"EvaluateModel"}


def test_only_the_drop_has_no_default(assembly):
    parameters = assembly.definition().parameters
    assert [name for name, default in parameters.items() if default is None] == ["DropId"]
    assert set(parameters) == {
        "DropId",
        "AccuracyThreshold",
        "MaximumAccuracyLoss",
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
    assert {name: sharding[f"--{name}"] for name in SHARDING} == SHARDING


def test_the_test_channel_never_reaches_training(assembly):
    channels = assembly.definition().arguments("TrainModel")["InputDataConfig"]
    names = [channel["ChannelName"] for channel in channels]
    assert names == ["train", "validation", "index", "labels"]
    assert "Outputs['test']" not in json.dumps(channels)


def test_outputs_lie_where_the_architecture_says(assembly):
    definition = assembly.definition()
    found = {}
    for step in PROCESSING:
        for output in definition.arguments(step)["ProcessingOutputConfig"]["Outputs"]:
            uri = output["S3Output"]["S3Uri"]["Std:Join"]
            parts = ["{id}" if isinstance(part, dict) else part for part in uri["Values"]]
            found[output["OutputName"]] = "/".join(parts).split("/", 3)[3]
    assert found == {
        "manifests": "executions/{id}/manifests",
        "lineage": "lineage/{id}",
        "serving": "executions/{id}/serving",
        "train": "executions/{id}/shards/train",
        "validation": "executions/{id}/shards/validation",
        "test": "executions/{id}/shards/test",
        "index": "executions/{id}/shards/index",
        "report": "executions/{id}/shards/report",
        "quarantine": "lineage/{id}/quarantine",
        "evaluation": "executions/{id}/evaluation",
    }


def test_only_those_who_ask_aws_have_a_network(assembly):
    definition = assembly.definition()
    isolated = {
        name: definition.arguments(name)["NetworkConfig"]["EnableNetworkIsolation"]
        for name in PROCESSING
    }
    assert isolated == {
        "CreateManifests": False,
        "FetchServingModel": False,
        "ShardImages": True,
        "EvaluateModel": True,
    }
    training = definition.arguments("TrainModel")
    assert training["EnableNetworkIsolation"]
    assert training["EnableInterContainerTrafficEncryption"]


def test_hyperparameters_are_strings_or_expressions_that_become_strings(assembly):
    given = assembly.definition().arguments("TrainModel")["HyperParameters"]
    assert given.pop("epochs") == {"Std:Join": {"On": "", "Values": [{"Get": "Parameters.Epochs"}]}}
    assert given.pop("seed") == {"Std:Join": {"On": "", "Values": [{"Get": "Parameters.Seed"}]}}
    assert given == {
        "batch_size": "32",
        "learning_rate": "0.001",
        "image_size": "32",
        "model": "small_cnn",
        "workers_per_host": "1",
        "log_records": "true",
        "deterministic": "false",
        "optimiser": "adamw",
        "learning_rate_scaling": "sqrt",
        "warmup_share": "0.1",
        "label_smoothing": "0",
        "weight_decay": "0",
        "class_weights": "none",
        "early_stopping_patience": "0",
        "precision": "float32",
        "gradient_compression": "none",
        "input_mode": "File",
        "shuffle_megabytes": "64",
        "checkpoint_seconds": "300",
    }


def test_metrics_are_read_from_the_line_that_training_logs(assembly):
    line = (
        "epoch=3 loss=0.123 accuracy=0.98 validation_loss=2.5e-05 validation_accuracy=0.97 "
        "images_per_second=812 images_per_second_per_worker=406 input_share=0.01 "
        "compute_share=0.9 communication_share=0.09"
    )
    metrics = assembly.definition().arguments("TrainModel")["AlgorithmSpecification"]
    read = {m["Name"]: re.findall(m["Regex"], line) for m in metrics["MetricDefinitions"]}
    assert read == {
        "loss": ["0.123"],
        "accuracy": ["0.98"],
        "validation_loss": ["2.5e-05"],
        "validation_accuracy": ["0.97"],
        "images_per_second": ["812"],
        "images_per_second_per_worker": ["406"],
        "input_share": ["0.01"],
        "compute_share": ["0.9"],
        "communication_share": ["0.09"],
    }


def test_checkpoints_and_logs_of_training_are_those_of_the_execution(assembly):
    training = assembly.definition().arguments("TrainModel")
    uris = (
        training["CheckpointConfig"]["S3Uri"],
        training["TensorBoardOutputConfig"]["S3OutputPath"],
    )
    for uri, folder in zip(uris, ("checkpoints", "tensorboard"), strict=True):
        place, execution = uri["Std:Join"]["Values"]
        assert re.fullmatch(rf"s3://\w*Working\w*/{folder}", place)
        assert execution == {"Get": "Execution.PipelineExecutionId"}


@pytest.mark.parametrize(
    ("environment", "spot"), [("dev", True), ("staging", True), ("prod", False)]
)
def test_training_is_on_spare_capacity_where_the_environment_says_so(assembly, environment, spot):
    training = assembly.definition(environment).arguments("TrainModel")
    settings = load(environment).training
    stopping = {"MaxRuntimeInSeconds": settings.max_runtime_seconds}
    if spot:
        stopping["MaxWaitTimeInSeconds"] = settings.spot_max_wait_seconds
    assert training["EnableManagedSpotTraining"] is spot
    assert training["StoppingCondition"] == stopping


def test_given_weights_are_a_channel(steady):
    *others, weights = steady.definition().arguments("TrainModel")["InputDataConfig"]
    names = [channel["ChannelName"] for channel in others]
    assert names == ["train", "validation", "index", "labels"]
    assert weights == {
        "ChannelName": "weights",
        "InputMode": "File",
        "DataSource": {
            "S3DataSource": {
                "S3DataType": "S3Prefix",
                "S3Uri": "s3://our-weights/small/cnn.keras",
                "S3DataDistributionType": "FullyReplicated",
            }
        },
    }


def test_records_reach_hosts_as_the_settings_say_and_all_else_is_a_file_on_each(assembly, ways):
    found = {}
    for synthesised, environment in (
        (assembly, "dev"),
        (ways, "dev"),
        (ways, "staging"),
        (ways, "prod"),
    ):
        training = synthesised.definition(environment).arguments("TrainModel")
        mode = training["AlgorithmSpecification"]["TrainingInputMode"]
        train, validation, *others = (
            (
                channel["InputMode"],
                channel["DataSource"]["S3DataSource"]["S3DataDistributionType"],
            )
            for channel in training["InputDataConfig"]
        )
        assert set(others) == {("File", "FullyReplicated")}
        assert train[0] == validation[0] == mode
        found[train] = validation[1]
    assert found == {
        ("File", "FullyReplicated"): "FullyReplicated",
        ("File", "ShardedByS3Key"): "FullyReplicated",
        ("FastFile", "FullyReplicated"): "FullyReplicated",
        ("FastFile", "ShardedByS3Key"): "ShardedByS3Key",
    }


def test_the_model_is_fetched_that_the_deployed_endpoint_serves(assembly):
    (endpoint,) = assembly.resources("AWS::SageMaker::Endpoint")
    definition = assembly.definition()
    specification = definition.arguments("FetchServingModel")["AppSpecification"]
    assert specification["ContainerEntrypoint"] == [
        "python",
        "-m",
        "processing.fetch_serving_model",
    ]
    assert options(definition, "FetchServingModel") == {"--endpoint": endpoint["EndpointName"]}


def test_evaluation_gets_both_models_and_the_test_channel(assembly):
    definition = assembly.definition()
    given = inputs(definition, "EvaluateModel")
    assert {name: source["S3Input"]["LocalPath"] for name, source in given.items()} == {
        name: f"/opt/ml/processing/input/{name}" for name in ("model", "test", "index", "serving")
    }
    assert references(given["serving"]) == {"FetchServingModel"}
    assert options(definition, "EvaluateModel") == {"--workers-per-host": "2"}


def test_a_model_that_is_bad_or_worse_than_the_one_that_serves_is_not_registered(assembly):
    check = assembly.definition().arguments("CheckQuality")
    compared = [
        (c["LeftValue"]["Std:JsonGet"]["Path"], c["Type"], c["RightValue"]["Get"])
        for c in check["Conditions"]
    ]
    assert compared == [
        (
            "multiclass_classification_metrics.accuracy.value",
            "GreaterThanOrEqualTo",
            "Parameters.AccuracyThreshold",
        ),
        ("comparison.accuracy_loss", "LessThanOrEqualTo", "Parameters.MaximumAccuracyLoss"),
    ]
    assert [step["Name"] for step in check["IfSteps"]] == ["RegisterModel"]
    assert [step["Name"] for step in check["ElseSteps"]] == ["RejectModel"]


def test_a_rejection_names_both_limits_and_where_the_metrics_are(assembly):
    message = assembly.definition().arguments("RejectModel")["ErrorMessage"]["Std:Join"]["Values"]
    said = "".join(part if isinstance(part, str) else f"<{part['Get']}>" for part in message)
    assert "AccuracyThreshold (<Parameters.AccuracyThreshold>)" in said
    assert "MaximumAccuracyLoss (<Parameters.MaximumAccuracyLoss>)" in said
    assert "Outputs['evaluation'].S3Output.S3Uri>/evaluation.json." in said


def test_the_property_file_that_is_checked_is_an_output_of_evaluation(assembly):
    definition = assembly.definition()
    (file,) = definition.steps["EvaluateModel"]["PropertyFiles"]
    for condition in definition.arguments("CheckQuality")["Conditions"]:
        get = condition["LeftValue"]["Std:JsonGet"]["PropertyFile"]["Get"]
        assert get == f"Steps.EvaluateModel.PropertyFiles.{file['PropertyFileName']}"
    outputs = definition.arguments("EvaluateModel")["ProcessingOutputConfig"]["Outputs"]
    assert file["OutputName"] in by_name(outputs, "OutputName")


def test_a_registered_model_waits_for_approval_and_carries_its_metrics(assembly):
    package = assembly.definition().arguments("RegisterModel")
    assert package["ModelApprovalStatus"] == "PendingManualApproval"
    statistics = package["ModelMetrics"]["ModelQuality"]["Statistics"]
    assert "evaluation.json" in json.dumps(statistics["S3Uri"])
    assert set(package["CustomerMetadataProperties"]) == {"DropId", "PipelineExecutionArn"}


def test_a_registered_model_names_the_counts_of_the_classes_that_it_was_trained_on(assembly):
    definition = assembly.definition()
    baseline = definition.arguments("RegisterModel")["DriftCheckBaselines"]["ModelDataQuality"]
    folder, file = baseline["Statistics"]["S3Uri"]["Std:Join"]["Values"]
    assert folder == {
        "Get": "Steps.CreateManifests.ProcessingOutputConfig.Outputs['lineage'].S3Output.S3Uri"
    }
    assert file == "dataset.json"
    outputs = definition.arguments("CreateManifests")["ProcessingOutputConfig"]["Outputs"]
    written = by_name(outputs, "OutputName")["lineage"]["S3Output"]["S3Uri"]
    assert written["Std:Join"]["Values"][-1] == {"Get": "Execution.PipelineExecutionId"}


@pytest.mark.parametrize("step", [*PROCESSING, "TrainModel"])
def test_a_job_is_tried_again_after_throttling_and_internal_errors(assembly, step):
    policies = assembly.definition().steps[step]["RetryPolicies"]
    types = {kind for policy in policies for kind in policy["ExceptionType"]}
    assert {"Step.THROTTLING", "Step.SERVICE_FAULT", "SageMaker.JOB_INTERNAL_ERROR"} <= types
    assert all(policy["MaxAttempts"] for policy in policies)
    for policy in policies:
        assert len(policy["ExceptionType"]) == len(set(policy["ExceptionType"]))


def test_each_step_runs_under_the_role_of_its_duty(assembly):
    definition = assembly.definition()
    roles = {
        step: definition.arguments(step)["RoleArn"].split("Roles")[1][:4]
        for step in (*PROCESSING, "TrainModel")
    }
    assert roles == {
        "CreateManifests": "Proc",
        "FetchServingModel": "Serv",
        "ShardImages": "Proc",
        "TrainModel": "Trai",
        "EvaluateModel": "Eval",
    }


@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_a_definition_is_within_the_limit_of_sagemaker(assembly, environment):
    assert len(json.dumps(assembly.definition(environment).content)) < 1_048_576
