"""Alarms on data points that a client puts, by boto3 and by CloudFormation."""

import io
import json
import zipfile
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from rehearsal.modes import Modes
from tests.rehearsal.conftest import ROLE, Server, eventually

ONE_METRIC = {
    "Namespace": "Tests",
    "MetricName": "Latency",
    "Statistic": "Average",
    "Period": 10,
    "EvaluationPeriods": 1,
    "Threshold": 5.0,
    "ComparisonOperator": "GreaterThanThreshold",
    "TreatMissingData": "notBreaching",
}


@pytest.fixture
def cloudwatch(server):
    return server.client("cloudwatch")


@pytest.fixture
def alarm(cloudwatch, name):
    """Makes an alarm on the metric of a dimension of its own, and gives its ARN."""

    def make(**more):
        dimensions = [{"Name": "Test", "Value": name}]
        wanted = ONE_METRIC | {"AlarmName": name, "Dimensions": dimensions} | more
        cloudwatch.put_metric_alarm(**{key: value for key, value in wanted.items() if value})
        (made,) = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
        return made["AlarmArn"]

    return make


@pytest.fixture
def put(cloudwatch, name):
    """Puts data points of that dimension."""

    def data(*points, metric="Latency", test=name, **more):
        common = {"MetricName": metric, "Dimensions": [{"Name": "Test", "Value": test}]}
        cloudwatch.put_metric_data(
            Namespace="Tests", MetricData=[common | point for point in points or [more]]
        )

    return data


@pytest.fixture
def comes_to(cloudwatch, name):
    def wait(state):
        def found():
            (described,) = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
            return described if described["StateValue"] == state else None

        return eventually(found)

    return wait


def test_one_breach_is_an_alarm_at_once_and_time_takes_it_back(alarm, put, comes_to):
    alarm()
    comes_to("OK")
    put(Value=9.0)
    assert "[9.0 (" in comes_to("ALARM")["StateReason"]
    assert "no datapoints were received" in comes_to("OK")["StateReason"]


def test_another_dimension_is_another_metric(alarm, put, comes_to):
    alarm(TreatMissingData="missing")
    put(Value=99.0, test="another")
    put(Value=1.0)
    comes_to("OK")


def test_a_percentile_weighs_values_by_their_counts(alarm, put, comes_to):
    alarm(Statistic=None, ExtendedStatistic="p99", TreatMissingData="missing")
    put(Values=[1.0, 9.0], Counts=[999.0, 1.0])
    comes_to("OK")
    put(Values=[9.0], Counts=[99.0])
    comes_to("ALARM")


def test_all_of_the_datapoints_that_it_asks_for_must_breach(alarm, put, comes_to):
    alarm(Period=60, EvaluationPeriods=3, DatapointsToAlarm=2, TreatMissingData="ignore")
    now = datetime.now(UTC)
    put(
        *(
            {"Value": value, "Timestamp": now - timedelta(minutes=minutes)}
            for minutes, value in enumerate([1.0, 9.0, 1.0, 1.0])
        )
    )
    comes_to("OK")
    put(Value=99.0, Timestamp=now - timedelta(minutes=2))
    comes_to("ALARM")


def ratio(name):
    def measured(id_, metric):
        dimensions = [{"Name": "Test", "Value": name}]
        looked_at = {"Namespace": "Tests", "MetricName": metric, "Dimensions": dimensions}
        stat = {"Metric": looked_at, "Period": 10, "Stat": "Sum"}
        return {"Id": id_, "MetricStat": stat, "ReturnData": False}

    expression = {"Id": "share", "Expression": "errors / requests * 100", "Label": "Share"}
    return [measured("errors", "Errors"), measured("requests", "Requests"), expression]


OF_METRICS = {
    key: value
    for key, value in ONE_METRIC.items()
    if key not in {"Namespace", "MetricName", "Statistic", "Period"}
}


def test_an_expression_of_metrics_is_an_alarm(cloudwatch, name, put, comes_to):
    cloudwatch.put_metric_alarm(AlarmName=name, Metrics=ratio(name), **OF_METRICS)
    comes_to("OK")
    put(metric="Requests", Value=100.0)
    put(metric="Errors", Value=8.0)
    described = comes_to("ALARM")
    assert "[8.0 (" in described["StateReason"]
    assert [query["Id"] for query in described["Metrics"]] == ["errors", "requests", "share"]


def test_an_expression_that_is_none_is_refused(cloudwatch, name):
    metrics = ratio(name)
    metrics[2]["Expression"] = "errors / "
    with pytest.raises(ClientError, match="is no metric math"):
        cloudwatch.put_metric_alarm(AlarmName=name, Metrics=metrics, **OF_METRICS)


def test_a_stack_makes_changes_and_deletes_an_alarm_on_an_expression(server, name, put, comes_to):
    cloudformation, alarms = server.client("cloudformation"), server.client("cloudwatch")

    def template(**more):
        properties = {"AlarmName": name, "Metrics": ratio(name)} | OF_METRICS | more
        resource = {"Type": "AWS::CloudWatch::Alarm", "Properties": properties}
        return json.dumps({"Resources": {"Alarm": resource}})

    cloudformation.create_stack(StackName=name, TemplateBody=template(Threshold="50"))
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName=name, WaiterConfig={"Delay": 1}
    )
    put(metric="Requests", Value=100.0)
    put(metric="Errors", Value=8.0)
    comes_to("OK")
    cloudformation.update_stack(StackName=name, TemplateBody=template(Threshold="5"))

    def breached():
        # What was put before is out of the alarm's period on a busy machine.
        put(metric="Requests", Value=100.0)
        put(metric="Errors", Value=8.0)
        (described,) = alarms.describe_alarms(AlarmNames=[name])["MetricAlarms"]
        return described if described["StateValue"] == "ALARM" else None

    assert eventually(breached)["Threshold"] == 5.0
    cloudformation.get_waiter("stack_update_complete").wait(
        StackName=name, WaiterConfig={"Delay": 1}
    )
    cloudformation.delete_stack(StackName=name)
    eventually(lambda: not alarms.describe_alarms(AlarmNames=[name])["MetricAlarms"])


def test_a_change_of_state_is_an_event_as_aws_sends_it(name, alarm, put, events_of):
    arn = alarm(AlarmDescription="too slow")
    put(Value=9.0)

    def changes():
        found = events_of("CloudWatch Alarm State Change", arn)
        return found if found and found[-1]["state"]["value"] == "ALARM" else None

    detail = eventually(changes)[-1]
    assert detail["alarmName"] == name
    assert detail["previousState"]["value"] in {"OK", "INSUFFICIENT_DATA"}
    assert json.loads(detail["state"]["reasonData"])["recentDatapoints"] == [9.0]
    assert detail["configuration"]["description"] == "too slow"
    (metric,) = detail["configuration"]["metrics"]
    looked_at = {"namespace": "Tests", "name": "Latency", "dimensions": {"Test": name}}
    assert metric["metricStat"] == {"metric": looked_at, "period": 10, "stat": "Average"}


@pytest.fixture
def topic(server, name, queue):
    """What it is told comes into the queue."""
    sns = server.client("sns")
    made = sns.create_topic(Name=name)["TopicArn"]
    sns.subscribe(TopicArn=made, Protocol="sqs", Endpoint=queue[1])
    return made


def test_a_topic_is_told_of_an_alarm(topic, messages, alarm, put):
    alarm(AlarmActions=[topic])
    put(Value=9.0)
    (notification,) = eventually(messages)
    told = json.loads(notification["Message"])
    assert (told["NewStateValue"], told["Trigger"]["MetricName"]) == ("ALARM", "Latency")


FUNCTION = """
import boto3, json, os
def handler(event, context):
    boto3.client("sqs").send_message(QueueUrl=os.environ["QUEUE"], MessageBody=json.dumps(event))
"""


@pytest.fixture
def function(server, name, queue):
    """What it is called with comes into the queue."""
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("index.py", FUNCTION)
    return server.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.11",
        Role=ROLE,
        Handler="index.handler",
        Code={"ZipFile": code.getvalue()},
        Environment={"Variables": {"QUEUE": queue[0]}},
    )["FunctionArn"]


def test_a_function_is_called_as_an_alarms_action(function, messages, alarm, put):
    arn = alarm(AlarmActions=[function])
    put(Value=9.0)
    (event,) = eventually(messages)
    assert event["alarmArn"] == arn
    assert event["alarmData"]["state"]["value"] == "ALARM"


def test_a_composite_alarm_follows_its_children(cloudwatch, name, alarm, put, events_of):
    alarm()
    cloudwatch.put_composite_alarm(AlarmName=f"{name}-all", AlarmRule=f'ALARM("{name}")')
    (made,) = cloudwatch.describe_alarms(AlarmNames=[f"{name}-all"], AlarmTypes=["CompositeAlarm"])[
        "CompositeAlarms"
    ]
    put(Value=9.0)

    def changes():
        found = events_of("CloudWatch Alarm State Change", made["AlarmArn"])
        return [d for d in found if d["state"]["value"] == "ALARM"]

    (detail,) = eventually(changes)
    assert detail["configuration"]["alarmRule"] == f'ALARM("{name}")'


def test_alarms_on_late_metrics_are_judged_by_the_time_that_has_come(tmp_path, name):
    server = Server(tmp_path / "state", modes=Modes(late_metrics=60.0)).start()
    try:
        cloudwatch = server.client("cloudwatch")
        for namespace in ("AWS/SageMaker", "Tests"):
            alarm = ONE_METRIC | {"Namespace": namespace, "AlarmName": namespace}
            cloudwatch.put_metric_alarm(**alarm)
            point = {"MetricName": "Latency", "Value": 9.0}
            point["Timestamp"] = datetime.now(UTC) - timedelta(seconds=60)
            cloudwatch.put_metric_data(Namespace=namespace, MetricData=[point])

        def state(alarm):
            return cloudwatch.describe_alarms(AlarmNames=[alarm])["MetricAlarms"][0]["StateValue"]

        eventually(lambda: state("AWS/SageMaker") == "ALARM")
        eventually(lambda: state("Tests") == "OK")
    finally:
        server.end()
