import pytest

from infra.settings import ENVIRONMENTS


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_model_package_is_the_only_parameter_and_may_be_missing(assembly, environment):
    parameters = assembly.template(environment, "serving")["Parameters"]
    assert list(parameters) == ["ModelPackageArn"]
    assert parameters["ModelPackageArn"]["Default"] == ""


def test_without_a_model_there_is_no_endpoint(assembly):
    template = assembly.template("dev", "serving")
    conditional = {
        r["Type"]: r["Condition"] for r in template["Resources"].values() if "Condition" in r
    }
    assert set(conditional) == {
        "AWS::SageMaker::Model",
        "AWS::SageMaker::EndpointConfig",
        "AWS::SageMaker::Endpoint",
        # Of the newest model.
        "AWS::CloudWatch::Alarm",
        # Sees what the endpoint serves in the end.
        "Custom::EndpointServes",
        # FetchServingModel's, to describe them, and the endpoint's, to see the alarms.
        "AWS::IAM::Policy",
    }
    (condition,) = set(conditional.values())
    assert template["Conditions"][condition] == {
        "Fn::Not": [{"Fn::Equals": [{"Ref": "ModelPackageArn"}, ""]}]
    }


def test_a_new_model_replaces_model_and_configuration_and_updates_the_endpoint(assembly):
    (model,) = assembly.resources("AWS::SageMaker::Model")
    (configuration,) = assembly.resources("AWS::SageMaker::EndpointConfig")
    (endpoint,) = assembly.resources("AWS::SageMaker::Endpoint")
    assert model["PrimaryContainer"] == {
        "ModelPackageName": {"Ref": "ModelPackageArn"},
        "Environment": {"MODEL_PACKAGE_ARN": {"Ref": "ModelPackageArn"}},
    }
    assert "ModelName" not in model
    assert "EndpointConfigName" not in configuration
    assert endpoint["EndpointName"] == "shardwise-dev"


def test_the_old_model_may_be_described_until_the_endpoint_has_the_new_one(assembly):
    resources = assembly.template("dev", "serving")["Resources"]
    (policy,) = [
        r
        for r in resources.values()
        if r["Type"] == "AWS::IAM::Policy" and "DescribeEndpointConfig" in str(r["Properties"])
    ]
    assert [resources[name]["Type"] for name in policy["DependsOn"]] == ["AWS::SageMaker::Endpoint"]


@pytest.mark.parametrize(
    ("environment", "routing"), [("dev", "ALL_AT_ONCE"), ("staging", "LINEAR"), ("prod", "CANARY")]
)
def test_traffic_moves_as_the_settings_say_and_alarms_roll_back(assembly, environment, routing):
    (endpoint,) = assembly.resources("AWS::SageMaker::Endpoint", environment)
    deployment = endpoint["DeploymentConfig"]
    update = deployment["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"]
    assert update["Type"] == routing
    assert len(deployment["AutoRollbackConfiguration"]["Alarms"]) == 3
