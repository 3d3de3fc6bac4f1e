"""The AWS::SageMaker::* types, deployed by an unmodified CloudFormation client."""

import json

import pytest
from botocore.exceptions import ClientError

from rehearsal.modes import Modes
from tests.rehearsal.conftest import ROLE, Server, eventually

IMAGE = "000000000000.dkr.ecr.us-east-1.amazonaws.com/tests:1"


def template(definition):
    """A pipeline, a group, and an endpoint that is there once the parameter Data is given."""
    return {
        "Parameters": {"Data": {"Type": "String", "Default": ""}},
        "Conditions": {"Served": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Data"}, ""]}]}},
        "Resources": {
            "Group": {
                "Type": "AWS::SageMaker::ModelPackageGroup",
                "Properties": {
                    "ModelPackageGroupName": {"Fn::Sub": "${AWS::StackName}-group"},
                    "Tags": [{"Key": "team", "Value": "vision"}],
                },
            },
            "Pipeline": {
                "Type": "AWS::SageMaker::Pipeline",
                "Properties": {
                    "PipelineName": {"Fn::Sub": "${AWS::StackName}-pipeline"},
                    "PipelineDefinition": {"PipelineDefinitionBody": definition},
                    "RoleArn": ROLE,
                },
            },
            "Model": {
                "Type": "AWS::SageMaker::Model",
                "Condition": "Served",
                "Properties": {
                    "ExecutionRoleArn": ROLE,
                    "PrimaryContainer": {"Image": IMAGE, "ModelDataUrl": {"Ref": "Data"}},
                },
            },
            "Config": {
                "Type": "AWS::SageMaker::EndpointConfig",
                "Condition": "Served",
                "Properties": {
                    "ProductionVariants": [
                        {
                            "VariantName": "all",
                            "ModelName": {"Fn::GetAtt": ["Model", "ModelName"]},
                            "InitialInstanceCount": "1",
                            "InstanceType": "ml.m5.large",
                            "InitialVariantWeight": "1.0",
                        }
                    ]
                },
            },
            "Endpoint": {
                "Type": "AWS::SageMaker::Endpoint",
                "Condition": "Served",
                "Properties": {
                    "EndpointName": {"Fn::Sub": "${AWS::StackName}-endpoint"},
                    "EndpointConfigName": {"Fn::GetAtt": ["Config", "EndpointConfigName"]},
                },
            },
            "Scaling": {
                "Type": "AWS::ApplicationAutoScaling::ScalableTarget",
                "Condition": "Served",
                "Properties": {
                    "ServiceNamespace": "sagemaker",
                    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
                    "ResourceId": {"Fn::Sub": "endpoint/${Endpoint.EndpointName}/variant/all"},
                    "MaxCapacity": 2,
                    "MinCapacity": 1,
                },
            },
        },
        "Outputs": {
            "Pipeline": {"Value": {"Ref": "Pipeline"}},
            "Group": {"Value": {"Ref": "Group"}},
            "Endpoint": {
                "Condition": "Served",
                "Value": {"Fn::GetAtt": ["Endpoint", "EndpointName"]},
            },
        },
    }


class Stack:
    def __init__(self, server, name):
        self.name = name
        self.client = server.client("cloudformation")

    def create(self, body, **parameters):
        self.client.create_stack(
            StackName=self.name, TemplateBody=json.dumps(body), Parameters=_listed(parameters)
        )
        return self.settled()

    def update(self, body=None, **parameters):
        given = {"TemplateBody": json.dumps(body)} if body else {"UsePreviousTemplate": True}
        self.client.update_stack(StackName=self.name, **given, Parameters=_listed(parameters))
        return self.settled()

    def settled(self):
        return eventually(self._settled)

    def _settled(self):
        status = self.describe()["StackStatus"]
        return None if status.endswith("IN_PROGRESS") else status

    def describe(self):
        return self.client.describe_stacks(StackName=self.name)["Stacks"][0]

    def outputs(self):
        return {o["OutputKey"]: o["OutputValue"] for o in self.describe()["Outputs"]}

    def physical_id(self, logical_id):
        return self.client.describe_stack_resource(
            StackName=self.name, LogicalResourceId=logical_id
        )["StackResourceDetail"]["PhysicalResourceId"]

    def reasons(self):
        events = self.client.describe_stack_events(StackName=self.name)["StackEvents"]
        return [event.get("ResourceStatusReason", "") for event in events]

    def delete(self):
        self.client.delete_stack(StackName=self.name)

        def gone():
            try:
                return self.describe()["StackStatus"] == "DELETE_COMPLETE"
            except ClientError:
                return True

        eventually(gone)


def _listed(parameters):
    return [{"ParameterKey": k, "ParameterValue": v} for k, v in parameters.items()]


@pytest.fixture
def stack(server, name):
    return Stack(server, f"stack-{name}")


@pytest.fixture
def data(server, name):
    return put_models(server, name)


def put_models(server, name):
    s3 = server.client("s3")
    s3.create_bucket(Bucket=f"models-{name}")
    for key in ("1.tar.gz", "2.tar.gz"):
        s3.put_object(Bucket=f"models-{name}", Key=key, Body=b"model")
    return f"s3://models-{name}"


def test_a_stack_deploys_without_a_model_and_serves_one_later(
    server, sagemaker, stack, definition, data
):
    assert stack.create(template(definition())) == "CREATE_COMPLETE"
    outputs = stack.outputs()
    assert outputs["Pipeline"] == f"{stack.name}-pipeline"
    tags = sagemaker.list_tags(ResourceArn=outputs["Group"])["Tags"]
    assert {"Key": "team", "Value": "vision"} in tags
    assert {"Key": "aws:cloudformation:stack-name", "Value": stack.name} in tags
    assert "Endpoint" not in outputs

    assert stack.update(Data=f"{data}/1.tar.gz") == "UPDATE_COMPLETE"
    endpoint = sagemaker.describe_endpoint(EndpointName=stack.outputs()["Endpoint"])
    assert endpoint["EndpointStatus"] == "InService"
    server.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=endpoint["EndpointName"], Body=b"x"
    )


def test_a_new_model_replaces_its_configuration_and_keeps_the_endpoint(
    sagemaker, stack, definition, data
):
    stack.create(template(definition()), Data=f"{data}/1.tar.gz")
    before = {i: stack.physical_id(i) for i in ("Model", "Config", "Endpoint")}
    assert stack.update(Data=f"{data}/2.tar.gz") == "UPDATE_COMPLETE"
    after = {i: stack.physical_id(i) for i in ("Model", "Config", "Endpoint")}
    assert before["Endpoint"] == after["Endpoint"]
    assert before["Model"] != after["Model"]
    assert before["Config"] != after["Config"]
    endpoint = sagemaker.describe_endpoint(EndpointName=f"{stack.name}-endpoint")
    assert endpoint["EndpointConfigName"] == after["Config"].rpartition("/")[2]
    left = sagemaker.list_models(NameContains=stack.name)["Models"]
    assert [model["ModelArn"] for model in left] == [after["Model"]]


def test_an_update_that_does_not_come_up_rolls_back(server, sagemaker, stack, definition, data):
    stack.create(template(definition()), Data=f"{data}/1.tar.gz")
    config = stack.physical_id("Config")
    assert stack.update(Data=f"{data}/nowhere.tar.gz") == "UPDATE_ROLLBACK_COMPLETE"
    assert any("NoSuchKey" in reason for reason in stack.reasons())
    endpoint = sagemaker.describe_endpoint(EndpointName=f"{stack.name}-endpoint")
    assert endpoint["EndpointStatus"] == "InService"
    assert endpoint["EndpointConfigName"] == config.rpartition("/")[2]
    left = sagemaker.list_endpoint_configs(NameContains=stack.name)["EndpointConfigs"]
    assert [found["EndpointConfigArn"] for found in left] == [config]
    server.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=endpoint["EndpointName"], Body=b"x"
    )


def test_a_type_that_sees_no_rollback_reports_success_and_deletes_what_serves(
    tmp_path, name, definition
):
    server = Server(tmp_path / "state", modes=Modes(unseen_rollbacks=True)).start()
    try:
        sagemaker, stack = server.client("sagemaker"), Stack(server, name)
        models = put_models(server, name)
        stack.create(template(definition()), Data=f"{models}/1.tar.gz")
        config = stack.physical_id("Config").rpartition("/")[2]
        assert stack.update(Data=f"{models}/nowhere.tar.gz") == "UPDATE_COMPLETE"
        endpoint = sagemaker.describe_endpoint(EndpointName=f"{name}-endpoint")
        assert (endpoint["EndpointStatus"], endpoint["EndpointConfigName"]) == ("InService", config)
        left = sagemaker.list_endpoint_configs(NameContains=name)["EndpointConfigs"]
        assert config not in {found["EndpointConfigName"] for found in left}
    finally:
        server.end()


def test_a_create_that_does_not_come_up_leaves_nothing(sagemaker, stack, definition, data):
    assert stack.create(template(definition()), Data=f"{data}/no.tar.gz") == "ROLLBACK_COMPLETE"
    assert any("did not come up" in reason for reason in stack.reasons())
    assert not sagemaker.list_endpoints(NameContains=stack.name)["Endpoints"]
    assert not sagemaker.list_models(NameContains=stack.name)["Models"]
    assert not sagemaker.list_pipelines(PipelineNamePrefix=stack.name)["PipelineSummaries"]


def test_the_server_answers_while_an_endpoint_comes_up(server, stack, definition, data):
    body = template(definition())
    body["Resources"]["Model"]["Properties"]["PrimaryContainer"]["Environment"] = {"SECONDS": "4"}
    # Before, as a busy machine takes its time for them.
    sagemaker, s3 = server.client("sagemaker"), server.client("s3")
    stack.client.create_stack(
        StackName=stack.name,
        TemplateBody=json.dumps(body),
        Parameters=_listed({"Data": f"{data}/1.tar.gz"}),
    )
    name = f"{stack.name}-endpoint"
    eventually(lambda: sagemaker.list_endpoints(NameContains=name)["Endpoints"])
    s3.list_buckets()
    assert stack.describe()["StackStatus"] == "CREATE_IN_PROGRESS"
    assert stack.settled() == "CREATE_COMPLETE"


def test_an_update_of_the_pipeline_changes_its_definition(sagemaker, stack, definition):
    stack.create(template(definition()))
    changed = template(definition("Failed"))
    changed["Resources"]["Group"]["Properties"]["Tags"] = [{"Key": "team", "Value": "speech"}]
    assert stack.update(changed) == "UPDATE_COMPLETE"
    pipeline = sagemaker.describe_pipeline(PipelineName=f"{stack.name}-pipeline")
    assert pipeline["PipelineDefinition"] == definition("Failed")
    tags = sagemaker.list_tags(ResourceArn=stack.outputs()["Group"])["Tags"]
    assert {"Key": "team", "Value": "speech"} in tags


def test_a_wrong_definition_fails_the_stack_with_sagemakers_reason(stack):
    assert stack.create(template("{}")) == "ROLLBACK_COMPLETE"
    assert any("Error Code: ValidationException" in reason for reason in stack.reasons())


def test_a_property_that_is_none_fails_the_stack(stack, definition):
    body = template(definition())
    body["Resources"]["Group"]["Properties"]["Colour"] = "red"
    assert stack.create(body) == "ROLLBACK_COMPLETE"
    assert any("no property Colour" in reason for reason in stack.reasons())


def test_a_change_set_shows_and_makes_the_change(sagemaker, stack, definition):
    stack.create(template(definition()))
    changed = template(definition("Failed"))
    stack.client.create_change_set(
        StackName=stack.name, ChangeSetName="next", TemplateBody=json.dumps(changed)
    )
    stack.client.get_waiter("change_set_create_complete").wait(
        StackName=stack.name, ChangeSetName="next", WaiterConfig={"Delay": 1}
    )
    changes = stack.client.describe_change_set(StackName=stack.name, ChangeSetName="next")
    changes = [change["ResourceChange"] for change in changes["Changes"]]
    assert [(c["LogicalResourceId"], c["Action"]) for c in changes] == [("Pipeline", "Modify")]
    assert changes[0]["Replacement"] == "False"
    stack.client.execute_change_set(StackName=stack.name, ChangeSetName="next")
    assert stack.settled() == "UPDATE_COMPLETE"
    pipeline = sagemaker.describe_pipeline(PipelineName=f"{stack.name}-pipeline")
    assert pipeline["PipelineDefinition"] == definition("Failed")


def test_a_deleted_stack_leaves_nothing(sagemaker, stack, definition, data):
    stack.create(template(definition()), Data=f"{data}/1.tar.gz")
    stack.delete()
    assert not sagemaker.list_endpoints(NameContains=stack.name)["Endpoints"]
    assert not sagemaker.list_endpoint_configs(NameContains=stack.name)["EndpointConfigs"]
    assert not sagemaker.list_models(NameContains=stack.name)["Models"]
    groups = sagemaker.list_model_package_groups(NameContains=stack.name)
    assert not groups["ModelPackageGroupSummaryList"]


def test_an_alarm_on_an_expression_is_there_as_one_on_a_metric(server, stack):
    metric = {"Namespace": "tests", "MetricName": "errors"}
    compared = {
        "ComparisonOperator": "GreaterThanThreshold",
        "EvaluationPeriods": 1,
        "Threshold": 1,
    }
    expression = {
        "Metrics": [
            {"Id": "e", "Expression": "m * 2"},
            {
                "Id": "m",
                "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"},
                "ReturnData": False,
            },
        ]
    }
    named = {"AlarmName": f"{stack.name}-one", "Period": 60, "Statistic": "Sum"}
    body = {
        "Resources": {
            "Many": {"Type": "AWS::CloudWatch::Alarm", "Properties": compared | expression},
            "One": {"Type": "AWS::CloudWatch::Alarm", "Properties": compared | metric | named},
        }
    }
    assert stack.create(body) == "CREATE_COMPLETE"
    alarms = server.client("cloudwatch").describe_alarms(AlarmNamePrefix=stack.name)
    names = [alarm["AlarmName"] for alarm in alarms["MetricAlarms"]]
    assert sorted(names) == sorted([stack.physical_id("Many"), f"{stack.name}-one"])
    stack.delete()


def test_a_bucket_of_a_stack_has_its_tags(server, stack):
    tags = [{"Key": "team", "Value": "vision"}]
    bucket = {"Type": "AWS::S3::Bucket", "Properties": {"Tags": tags}}
    stack.create({"Resources": {"Bucket": bucket}})
    found = server.client("s3").get_bucket_tagging(Bucket=stack.physical_id("Bucket"))["TagSet"]
    assert tags[0] in found
    assert {"Key": "aws:cloudformation:stack-name", "Value": stack.name} in found
