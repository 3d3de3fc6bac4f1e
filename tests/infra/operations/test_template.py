"""What people are told of, and what the dashboard shows."""

import json

from infra.assembly import plain_text


def rule_on(assembly, detail_type):
    (rule,) = [
        rule
        for rule in assembly.resources("AWS::Events::Rule")
        if detail_type in rule["EventPattern"]["detail-type"]
        and "Notifications" in str(rule["Targets"])
    ]
    return rule


def graphs(assembly):
    """Title -> what the dashboard shows there."""
    (dashboard,) = assembly.resources("AWS::CloudWatch::Dashboard")
    widgets = json.loads(plain_text(dashboard["DashboardBody"]))["widgets"]
    return {w["properties"]["title"]: w["properties"].get("metrics") for w in widgets}


def test_every_alarm_of_operations_tells_the_topic(assembly):
    resources = assembly.template("prod", "operations")["Resources"].values()
    alarms = [r["Properties"] for r in resources if r["Type"] == "AWS::CloudWatch::Alarm"]
    assert len(alarms) >= 4
    assert all("Notifications" in str(alarm["AlarmActions"]) for alarm in alarms)


def test_people_are_told_when_a_new_model_was_taken_back(assembly):
    detail = rule_on(assembly, "CloudFormation Stack Status Change")["EventPattern"]["detail"]
    assert detail["status-details"]["status"] == [
        "UPDATE_ROLLBACK_COMPLETE",
        "UPDATE_ROLLBACK_FAILED",
    ]
    (stack,) = detail["stack-id"]
    assert plain_text(stack["prefix"]).endswith(":stack/shardwise-dev-serving/")


def test_the_dashboard_shows_requests_latency_confidence_and_instances(assembly):
    shown = graphs(assembly)
    assert {
        "Executions",
        "Events that failed",
        "Invocations",
        "Model latency",
        "Mean confidence by model package",
        "Instances that answer",
    } <= set(shown)
    assert [metric[-1]["stat"] for metric in shown["Model latency"]] == ["p50", "p90", "p99"]
    ((confidence,),) = shown["Mean confidence by model package"]
    (filtered,) = next(assembly.resources("AWS::Logs::MetricFilter"))["MetricTransformations"]
    schema = f'{{"{filtered["MetricNamespace"]}",{filtered["Dimensions"][0]["Key"]}}}'
    assert confidence["expression"].startswith(f"SEARCH('{schema} MetricName=\"MeanConfidence\"'")
