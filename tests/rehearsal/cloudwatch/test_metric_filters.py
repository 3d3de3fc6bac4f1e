"""Data points that come of log lines."""

import json
import time
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from rehearsal.logs import LogWriter
from rehearsal.settings import RehearsalSettings
from tests.rehearsal.conftest import eventually


@pytest.fixture
def group(server, name):
    server.client("logs").create_log_group(logGroupName=f"/{name}")
    return f"/{name}"


@pytest.fixture
def put_filter(server, group, name):
    def put(pattern, value="1", **more):
        transformation = {"metricName": name, "metricNamespace": "Tests", "metricValue": value}
        server.client("logs").put_metric_filter(
            logGroupName=group,
            filterName="filter",
            filterPattern=pattern,
            metricTransformations=[transformation | more],
        )

    return put


@pytest.fixture
def write(server, group):
    """Writes events as any client does, `ago` seconds old."""
    logs = server.client("logs")
    logs.create_log_stream(logGroupName=group, logStreamName="stream")

    def events(*contents, ago=0):
        at = int((time.time() - ago) * 1000)
        lines = [{"timestamp": at, "message": json.dumps(content)} for content in contents]
        logs.put_log_events(logGroupName=group, logStreamName="stream", logEvents=lines)

    return events


@pytest.fixture
def statistics(server, name):
    def of(statistic, dimensions=()):
        now = datetime.now(UTC)
        points = server.client("cloudwatch").get_metric_statistics(
            Namespace="Tests",
            MetricName=name,
            Dimensions=[{"Name": key, "Value": value} for key, value in dimensions],
            StartTime=now - timedelta(hours=1),
            EndTime=now + timedelta(minutes=1),
            Period=3600,
            Statistics=[statistic],
        )["Datapoints"]
        return [point[statistic] for point in points]

    return of


def test_a_value_of_a_json_line_is_a_data_point(put_filter, write, statistics):
    put_filter('{ $.message = "metrics" && $.requests > 0 }', "$.mean")
    write(
        {"message": "metrics", "requests": 2, "mean": 0.75},
        {"message": "metrics", "requests": 0, "mean": 0.1},
        {"message": "metrics", "requests": 1, "mean": None},
        {"message": "other", "requests": 1, "mean": 0.1},
    )
    assert eventually(lambda: statistics("Average")) == [0.75]
    assert statistics("SampleCount") == [1.0]


def test_dimensions_come_from_the_line_too(put_filter, write, statistics):
    put_filter("{ $.count > 0 }", "$.count", dimensions={"Label": "$.label"})
    write({"count": 2, "label": "cat"}, {"count": 5, "label": "dog"}, {"count": 7})
    assert eventually(lambda: statistics("Sum", [("Label", "cat")])) == [2.0]
    assert statistics("Sum", [("Label", "dog")]) == [5.0]


def test_a_minute_without_a_match_gets_the_default_value(put_filter, write, statistics):
    put_filter('{ $.level = "ERROR" }', "1", defaultValue=0)
    write({"level": "INFO"}, ago=60)
    assert eventually(lambda: statistics("Sum")) == [0.0]
    assert statistics("SampleCount") == [1.0]


def test_a_pattern_that_it_cannot_follow_is_refused(put_filter):
    with pytest.raises(ClientError, match="has no filter patterns such as"):
        put_filter("[ip, user]")


def test_a_stacks_filter_sees_a_containers_lines_and_an_alarm_its_metric(server, name, statistics):
    cloudformation = server.client("cloudformation")
    transformation = {
        "MetricName": name,
        "MetricNamespace": "Tests",
        "MetricValue": "$.mean",
    }
    resources = {
        "Group": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": f"/{name}"}},
        "Filter": {
            "Type": "AWS::Logs::MetricFilter",
            "Properties": {
                "LogGroupName": {"Ref": "Group"},
                "FilterPattern": '{ $.message = "metrics" }',
                "MetricTransformations": [transformation],
            },
        },
        "Alarm": {
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": {
                "AlarmName": name,
                "Namespace": "Tests",
                "MetricName": name,
                "Statistic": "Average",
                "Period": 60,
                "EvaluationPeriods": 1,
                "Threshold": 0.5,
                "ComparisonOperator": "LessThanThreshold",
                "TreatMissingData": "notBreaching",
            },
        },
    }
    cloudformation.create_stack(StackName=name, TemplateBody=json.dumps({"Resources": resources}))
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName=name, WaiterConfig={"Delay": 1}
    )
    writer = LogWriter(RehearsalSettings(server.state, server.state, server.port), f"/{name}")
    writer.write("algo-1", json.dumps({"message": "metrics", "mean": 0.25}))
    writer.close()
    alarms = server.client("cloudwatch").describe_alarms

    def alarmed():
        (alarm,) = alarms(AlarmNames=[name])["MetricAlarms"]
        return alarm["StateValue"] == "ALARM"

    eventually(alarmed)
    assert statistics("Average") == [0.25]


def test_a_stack_does_not_take_a_log_group_that_is_there(server, name, group, write):
    write({"kept": True})
    cloudformation = server.client("cloudformation")
    properties = {"LogGroupName": group}
    resources = {"Group": {"Type": "AWS::Logs::LogGroup", "Properties": properties}}
    cloudformation.create_stack(StackName=name, TemplateBody=json.dumps({"Resources": resources}))

    def reasons():
        events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
        return [e for e in events if "already exists" in e.get("ResourceStatusReason", "")]

    eventually(reasons)
    assert server.client("logs").filter_log_events(logGroupName=group)["events"]
