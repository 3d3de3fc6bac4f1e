"""What is deployed, read from a rehearsal's CloudFormation, and compared."""

import json
from pathlib import Path
from typing import Any

import boto3
import pytest

from scripts.reviews.comparison import Comparison
from scripts.reviews.policy import load
from scripts.reviews.review import Review, review
from scripts.reviews.sources import deployed
from scripts.reviews.stacks import Stacks, Template

POLICY = load(Path(__file__).resolve().parents[3] / "review.toml")
ARN = "arn:aws:sagemaker:us-east-1:000000000000:model-package/g/1"


def template(**changed: Any) -> Template:
    """A bucket, logs, a parameter and a topic that is there with a model only."""
    return {
        "Parameters": {"ModelPackageArn": {"Type": "String", "Default": ""}},
        "Conditions": {"HasModel": {"Fn::Not": [{"Fn::Equals": [{"Ref": "ModelPackageArn"}, ""]}]}},
        "Resources": {
            "Drops": {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Delete"},
            "Logs": {
                "Type": "AWS::Logs::LogGroup",
                "Properties": {"RetentionInDays": changed.get("days", 30)},
            },
            "Topic": {
                "Type": "AWS::SNS::Topic",
                "Condition": "HasModel",
                "Properties": {"TopicName": changed.get("topic", "answers")},
            },
        }
        | changed.get("resources", {}),
    }


@pytest.fixture
def against(session: boto3.Session, environment: str):
    """Deploys a template and reviews another one against it."""

    def against(after: Template, **parameters: str) -> Review:
        client = session.client("cloudformation")
        client.create_stack(
            StackName=f"shardwise-{environment}-serving",
            TemplateBody=json.dumps(template()),
            Parameters=[
                {"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()
            ],
        )
        client.get_waiter("stack_create_complete").wait(
            StackName=f"shardwise-{environment}-serving", WaiterConfig={"Delay": 1}
        )
        before = deployed(session, environment)
        return review(Comparison(environment, before, Stacks("after", {"serving": after})), POLICY)

    return against


def test_what_is_deployed_and_the_same_template_do_not_differ(against, environment) -> None:
    assert against(template()).heading == f"{environment}: nothing changes"


def test_a_shorter_retention_than_the_deployed_one_is_a_loss(against) -> None:
    made = against(template(days=7))
    assert [v.finding.name for v in made.verdicts] == ["data-loss"]
    assert "30 days before, 7 days after" in made.verdicts[0].finding.text


def test_what_is_not_deployed_as_its_condition_is_false_is_not_replaced(against) -> None:
    made = against(template(topic="other"))
    assert [finding.name for finding in made.findings] == []
    assert made.sections[0].entries[0].notes == (
        "not deployed now: its condition HasModel is false",
    )


def test_what_is_deployed_as_its_condition_is_true_is_replaced(against) -> None:
    made = against(template(topic="other"), ModelPackageArn=ARN)
    assert [finding.name for finding in made.findings] == ["replacement"]


def test_a_parameter_is_told_with_the_value_that_is_deployed(against) -> None:
    after = template()
    del after["Parameters"]["ModelPackageArn"]
    after["Parameters"]["Model"] = {"Type": "Number"}
    told = next(s for s in against(after, ModelPackageArn=ARN).sections if s.title == "Parameters")
    removed = next(entry for entry in told.entries if "removed" in entry.text)
    assert f"deployed: ModelPackageArn = {ARN!r}" in removed.notes


def test_a_sandbox_of_an_environment_is_not_the_environment(against, session, environment) -> None:
    sandbox = f"shardwise-{environment}-anna-serving"
    session.client("cloudformation").create_stack(
        StackName=sandbox, TemplateBody=json.dumps(template(days=7))
    )
    assert against(template()).heading == f"{environment}: nothing changes"
    found = deployed(session, f"{environment}-anna").templates["serving"]
    assert found["Resources"]["Logs"]["Properties"]["RetentionInDays"] == 7


def test_where_nothing_is_deployed_all_is_new(session: boto3.Session) -> None:
    before = deployed(session, "nowhere")
    made = review(Comparison("nowhere", before, Stacks("after", {"serving": template()})), POLICY)
    assert made.lead == "nowhere: nothing: no stack is deployed → after"
    assert made.heading.startswith("nowhere: 3 added")
