"""What the deployer hears, keeps and may do, in the synthesised templates."""

import pytest

from infra.settings import ENVIRONMENTS


def detail(assembly, detail_type):
    """The pattern of the deployer's rule on one kind of event."""
    (found,) = [
        resource["Properties"]["EventPattern"]["detail"]
        for name, resource in assembly.template("dev", "serving")["Resources"].items()
        if name.startswith("ApprovedModelDeployment") and resource["Type"] == "AWS::Events::Rule"
        if detail_type in resource["Properties"]["EventPattern"]["detail-type"]
    ]
    return found


def statements(assembly, environment):
    """Statements of the deployer's role."""
    for name, resource in assembly.template(environment, "serving")["Resources"].items():
        if resource["Type"] == "AWS::IAM::Policy" and "Deployer" in name:
            yield from resource["Properties"]["PolicyDocument"]["Statement"]


def test_every_change_of_a_package_of_our_group_is_heard(assembly):
    pattern = detail(assembly, "SageMaker Model Package State Change")
    assert list(pattern) == ["ModelPackageGroupName"]
    assert len(pattern["ModelPackageGroupName"]) == 1


def test_the_end_of_each_update_of_this_very_stack_is_heard(assembly):
    pattern = detail(assembly, "CloudFormation Stack Status Change")
    assert pattern["stack-id"] == [{"Ref": "AWS::StackId"}]
    statuses = pattern["status-details"]["status"]
    assert {"UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_FAILED"} <= set(
        statuses
    )
    assert not any(status.endswith("IN_PROGRESS") for status in statuses)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_deployer_may_do_only_what_its_environment_wants(assembly, environment):
    actions = {
        action
        for statement in statements(assembly, environment)
        for action in (
            statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        )
        if not action.startswith(("logs:", "sqs:"))
    }
    look = {"cloudformation:DescribeStacks", "cloudformation:DescribeStackEvents"}
    change = {f"cloudformation:{verb}ChangeSet" for verb in ("Create", "Describe", "Delete")}
    change |= {"cloudformation:ListChangeSets"}
    assert actions == look | {
        "dynamodb:Query",
        "dynamodb:UpdateItem",
        "sagemaker:DescribeModelPackage",
    } | (change if environment == "prod" else {"cloudformation:UpdateStack"})


@pytest.mark.parametrize(("environment", "policy"), [("dev", "Delete"), ("prod", "Retain")])
def test_the_approvals_are_encrypted_recoverable_and_kept_as_data_is(assembly, environment, policy):
    (table,) = [
        resource
        for resource in assembly.template(environment, "serving")["Resources"].values()
        if resource["Type"] == "AWS::DynamoDB::Table"
    ]
    assert table["DeletionPolicy"] == policy
    properties = table["Properties"]
    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert properties["SSESpecification"] == {"SSEEnabled": True}
    recovery = properties["PointInTimeRecoverySpecification"]
    assert recovery == {"PointInTimeRecoveryEnabled": True}
    assert properties["DeletionProtectionEnabled"] == (policy == "Retain")


def test_what_cannot_be_acted_on_is_kept(assembly):
    (function,) = [
        f
        for f in assembly.resources("AWS::Lambda::Function")
        if f["Handler"] == "functions.deployer.handler.handler"
    ]
    assert "DeadLetters" in str(function["DeadLetterConfig"]["TargetArn"])
    # A function with reserved concurrency cannot be deployed to a new account.
    assert "ReservedConcurrentExecutions" not in function
