"""What SageMaker would refuse is refused before it is asked, by botocore's model of it."""

import botocore.session
import pytest

from infra.rules.arguments import OPERATIONS
from infra.rules.definitions import LONGEST_DEFINITION
from tests.infra.rules.changes import argument, of_pipeline, of_step


@pytest.mark.parametrize(
    ("step", "path", "value", "said"),
    [
        ("ShardImages", "ProcessingInputs[0].S3Input.S3DataType", "Prefix", "S3Prefix"),
        ("TrainModel", "ResourceConfig.InstanceType", "ml.m5.huge", "none of its values"),
        ("TrainModel", "RoleArn", "arn:aws:iam::1:role/x" + "x" * 20, "does not match"),
        ("TrainModel", "Tags[0].Value", "<>", "does not match"),
    ],
)
def test_a_value_that_does_not_fit_is_found(found_after, step, path, value, said):
    found = [f for f in found_after(argument(step, path, value)) if f.rule == "arguments"]
    assert {finding.subject for finding in found} == {step}
    assert any(said in finding.sentence for finding in found), found


def inputs(count):
    return [
        {
            "InputName": f"i{number}",
            "S3Input": {
                "S3Uri": "s3://b/k",
                "LocalPath": "/opt/ml/processing/input/x",
                "S3DataType": "S3Prefix",
            },
        }
        for number in range(count)
    ]


def channels(count):
    return [
        {
            "ChannelName": f"c{number}",
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://b/k"}},
        }
        for number in range(count)
    ]


@pytest.mark.parametrize(
    ("step", "path", "most", "of"),
    [
        ("ShardImages", "ProcessingInputs", 10, inputs),
        ("ShardImages", "ProcessingResources.ClusterConfig.InstanceCount", 100, int),
        ("TrainModel", "InputDataConfig", 20, channels),
        ("TrainModel", "HyperParameters", 100, lambda n: {f"h{i}": "1" for i in range(n)}),
        ("TrainModel", "HyperParameters.model", 2500, lambda n: "x" * n),
        ("TrainModel", "Tags[0].Value", 256, lambda n: "x" * n),
    ],
)
def test_as_many_as_sagemaker_takes_and_no_more(found_after, step, path, most, of):
    assert found_after(argument(step, path, of(most))) == []
    (found,) = found_after(argument(step, path, of(most + 1)))
    assert found.rule == "arguments"
    assert f"{most + 1}" in found.sentence
    assert f"more than {most}" in found.sentence


def parameters(count):
    return [
        {"Name": f"P{number}", "Type": "String", "DefaultValue": "x"} for number in range(count)
    ]


def test_a_pipeline_has_at_most_200_parameters(assembly, found_after):
    own = assembly.definition("dev").content["Parameters"]
    full = own + parameters(200 - len(own))
    assert found_after(of_pipeline("Parameters", full)) == []
    (found,) = found_after(of_pipeline("Parameters", full + parameters(1)))
    assert found.rule == "limits"
    assert "201 parameters are more than SageMaker's 200" in found.sentence


@pytest.mark.parametrize(
    ("default", "kind", "said"),
    [
        ("x" * 1025, "String", "1,025 characters, more than 1,024"),
        ("1", "Integer", "is no Integer"),
        (True, "Integer", "is no Integer"),
        (1.5, "Integer", "is no Integer"),
        ("yes", "Boolean", "is no Boolean"),
    ],
)
def test_a_parameters_default_is_of_its_type_and_not_too_long(found_after, default, kind, said):
    extra = {"Name": "Extra", "Type": kind, "DefaultValue": default}
    (found,) = found_after(of_pipeline("Parameters[9]", extra))
    assert found.path == "Parameters.Extra"
    assert said in found.sentence


def test_a_definition_that_is_too_long_is_found(found_after):
    model = botocore.session.get_session().get_service_model("sagemaker")
    shape = model.operation_model("CreatePipeline").input_shape.members["PipelineDefinition"]
    assert shape.metadata["max"] == LONGEST_DEFINITION == 1_048_576
    (found,) = found_after(of_step("TrainModel", "Description", "x" * LONGEST_DEFINITION))
    assert found.rule == "limits"
    assert "characters are more than SageMaker's 1,048,576" in found.sentence


def test_a_pipeline_of_too_many_steps_is_found(found_after):
    def many(definition):
        fail = definition.content["Steps"][-1]["Arguments"]["ElseSteps"][0]
        definition.content["Steps"] += [{**fail, "Name": f"Fail{n}"} for n in range(50)]

    (found,) = found_after(many)
    assert "steps are more than SageMaker's 50" in found.sentence


def test_a_step_of_a_type_that_no_rule_knows_is_not_let_through(found_after):
    step = {"Name": "Ask", "Type": "Lambda", "Arguments": {}, "FunctionArn": "arn:aws:lambda:::x"}
    (found,) = found_after(lambda definition: definition.content["Steps"].append(step))
    assert (found.subject, found.path) == ("Ask", "Type")
    assert all(known in found.sentence for known in OPERATIONS)
