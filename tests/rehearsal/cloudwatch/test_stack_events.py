"""CloudFormation's events on EventBridge."""

import json

from tests.rehearsal.conftest import eventually


def test_each_status_of_a_stack_is_an_event_with_the_operations_token(server, name, events_of):
    cloudformation = server.client("cloudformation")
    body = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}
    arn = cloudformation.create_stack(
        StackName=name, TemplateBody=json.dumps(body), ClientRequestToken="first"
    )["StackId"]

    def after(count):
        def found():
            details = events_of("CloudFormation Stack Status Change", arn)
            return details if len(details) >= count else None

        return eventually(found)

    created = after(2)
    statuses = [detail["status-details"]["status"] for detail in created]
    assert statuses == ["CREATE_IN_PROGRESS", "CREATE_COMPLETE"]
    assert {detail["client-request-token"] for detail in created} == {"first"}
    assert {detail["stack-id"] for detail in created} == {arn}

    body["Resources"]["Bad"] = {"Type": "AWS::CloudWatch::Alarm", "Properties": {}}
    cloudformation.update_stack(StackName=name, TemplateBody=json.dumps(body))

    def rolled_back():
        details = events_of("CloudFormation Stack Status Change", arn)[2:]
        found = [detail["status-details"]["status"] for detail in details]
        return found if "UPDATE_ROLLBACK_COMPLETE" in found else None

    statuses = eventually(rolled_back)
    assert statuses[0] == "UPDATE_IN_PROGRESS"
    assert "UPDATE_ROLLBACK_IN_PROGRESS" in statuses


def test_a_change_set_that_is_executed_sends_them_too(server, name, events_of):
    cloudformation = server.client("cloudformation")
    body = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}
    arn = cloudformation.create_change_set(
        StackName=name, ChangeSetName="first", ChangeSetType="CREATE", TemplateBody=json.dumps(body)
    )["StackId"]
    cloudformation.get_waiter("change_set_create_complete").wait(
        StackName=name, ChangeSetName="first", WaiterConfig={"Delay": 1}
    )
    cloudformation.execute_change_set(StackName=name, ChangeSetName="first")

    def statuses():
        details = events_of("CloudFormation Stack Status Change", arn)
        found = [detail["status-details"]["status"] for detail in details]
        return found if "CREATE_COMPLETE" in found else None

    assert eventually(statuses) == ["REVIEW_IN_PROGRESS", "CREATE_IN_PROGRESS", "CREATE_COMPLETE"]
