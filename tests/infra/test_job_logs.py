"""The account's two log groups of jobs, and environments that come and go."""

import pytest

from functions.custom_resources import job_logs as handler
from infra.operations.job_logs import GROUPS
from tests.rehearsal.conftest import Server


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("job-logs") / "state").start()
    yield server.client("logs")
    server.end()


@pytest.fixture(autouse=True)
def nothing(logs):
    for group in logs.describe_log_groups()["logGroups"]:
        logs.delete_log_group(logGroupName=group["logGroupName"])


def wish(owner, days):
    arns = {name: f"arn:aws:logs:us-east-1:000000000000:log-group:{name}" for name in GROUPS}
    return {"LogGroups": arns, "Owner": owner, "Days": str(days)}


def retention(logs):
    """Days by log group; None for ever."""
    found = logs.describe_log_groups(logGroupNamePrefix="/aws/sagemaker/")["logGroups"]
    return {group["logGroupName"]: group.get("retentionInDays") for group in found}


def test_groups_that_are_not_there_yet_are_made_with_the_retention(logs):
    handler.settle(logs, wish("shardwise-dev", 30), wanted=True)
    assert retention(logs) == dict.fromkeys(GROUPS, 30)


def test_groups_that_keep_all_for_ever_keep_what_they_hold(logs):
    logs.create_log_group(logGroupName=GROUPS[0])
    logs.create_log_stream(logGroupName=GROUPS[0], logStreamName="job")
    handler.settle(logs, wish("shardwise-dev", 30), wanted=True)
    assert retention(logs) == dict.fromkeys(GROUPS, 30)
    assert logs.describe_log_streams(logGroupName=GROUPS[0])["logStreams"]


@pytest.mark.parametrize("order", [("dev", "prod"), ("prod", "dev")])
def test_the_longest_wish_counts_in_any_order(logs, order):
    days = {"dev": 14, "prod": 365}
    for environment in order:
        handler.settle(logs, wish(environment, days[environment]), wanted=True)
    assert set(retention(logs).values()) == {365}


def test_a_wish_that_is_taken_back_leaves_the_others(logs):
    handler.settle(logs, wish("dev", 14), wanted=True)
    handler.settle(logs, wish("prod", 365), wanted=True)
    handler.settle(logs, wish("prod", 365), wanted=False)
    assert set(retention(logs).values()) == {14}


def test_the_last_that_goes_leaves_the_retention_and_no_tag(logs):
    handler.settle(logs, wish("dev", 14), wanted=True)
    handler.settle(logs, wish("dev", 14), wanted=False)
    assert set(retention(logs).values()) == {14}
    tags = logs.list_tags_for_resource(resourceArn=wish("dev", 14)["LogGroups"][GROUPS[0]])["tags"]
    assert tags == {}


def test_a_changed_wish_replaces_the_one_before(logs):
    handler.settle(logs, wish("dev", 365), wanted=True)
    handler.settle(logs, wish("dev", 7), wanted=True)
    assert set(retention(logs).values()) == {7}


def test_a_group_that_somebody_deleted_hinders_no_stack_that_goes(logs):
    handler.settle(logs, wish("dev", 14), wanted=True)
    logs.delete_log_group(logGroupName=GROUPS[0])
    handler.settle(logs, wish("dev", 14), wanted=False)
    assert set(retention(logs)) == {GROUPS[1]}
