"""What people are told of, and what the dashboard shows."""

import json

import pytest

from infra.assembly import plain_text

ENVIRONMENTS = ("dev", "staging", "prod")


def of(assembly, kind, environment="dev"):
    """Properties of the resources of a type in the operations stack, by logical id."""
    resources = assembly.template(environment, "operations")["Resources"]
    return {name: r["Properties"] for name, r in resources.items() if r["Type"] == kind}


def widgets(assembly, environment="dev"):
    (dashboard,) = assembly.resources("AWS::CloudWatch::Dashboard", environment)
    return [w["properties"] for w in json.loads(plain_text(dashboard["DashboardBody"]))["widgets"]]


def graphs(assembly, environment="dev"):
    """Title -> what the dashboard shows there."""
    shown = widgets(assembly, environment)
    return {w["title"]: w.get("metrics") for w in shown if "title" in w}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_alarm_tells_the_topic_but_the_one_whose_message_the_reporter_writes(
    assembly, environment
):
    alarms = of(assembly, "AWS::CloudWatch::Alarm", environment)
    silent = [name for name, alarm in alarms.items() if not alarm.get("AlarmActions")]
    assert len(alarms) >= 9
    told = [alarm for name, alarm in alarms.items() if name not in silent]
    assert all("Notifications" in str(alarm["AlarmActions"]) for alarm in told)
    assert len(silent) == 1
    assert silent[0].startswith("FailedExecutions")


def test_the_function_hears_ends_and_rollbacks_and_nothing_else(assembly):
    rules = of(assembly, "AWS::Events::Rule").values()
    heard = {
        rule["EventPattern"]["detail-type"][0]: rule["EventPattern"]["detail"] for rule in rules
    }
    ended = ["Succeeded", "Failed", "Stopped"]
    execution = heard["SageMaker Model Building Pipeline Execution Status Change"]
    assert execution["currentPipelineExecutionStatus"] == ended
    step = heard["SageMaker Model Building Pipeline Execution Step Status Change"]
    assert (step["currentStepStatus"], step["stepType"]) == (ended, ["Processing", "Training"])
    stack = heard["CloudFormation Stack Status Change"]
    statuses = ["UPDATE_ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_FAILED"]
    assert stack["status-details"]["status"] == statuses
    assert plain_text(stack["stack-id"][0]["prefix"]).endswith(":stack/shardwise-dev-serving/")
    assert len(heard) == 3


def test_the_dashboard_answers_questions_in_the_order_in_which_they_come_up(assembly):
    titles = list(graphs(assembly))
    assert all(title.endswith("?") for title in titles)
    asked = [
        "Is anything wrong?",
        "Do executions start, and how do they end?",
        "Do drops wait?",
        "How accurate is each run's model?",
        "How many USD does each run cost?",
        "Is the endpoint asked, and does it fail?",
        "Did an event or a function of ours fail?",
    ]
    assert [title for title in titles if title in asked] == asked


def test_the_dashboard_shows_latency_by_percentile_and_confidence_by_package(assembly):
    shown = graphs(assembly)
    latency = shown["How many microseconds does the model take?"]
    assert [metric[-1]["stat"] for metric in latency] == ["p50", "p90", "p99"]
    ((confidence,),) = shown["How sure is each model package of its answers?"]
    (filtered,) = next(assembly.resources("AWS::Logs::MetricFilter"))["MetricTransformations"]
    schema = f'{{"{filtered["MetricNamespace"]}",{filtered["Dimensions"][0]["Key"]}}}'
    assert confidence["expression"].startswith(f"SEARCH('{schema} MetricName=\"MeanConfidence\"'")


def test_the_dashboard_shows_the_accuracy_that_the_environment_asks_for(assembly):
    (graph,) = [w for w in widgets(assembly) if w.get("title", "").startswith("How accurate")]
    (line,) = graph["annotations"]["horizontal"]
    assert line["value"] == assembly.definition("dev").parameters["AccuracyThreshold"]


def test_the_function_knows_the_price_of_each_instance_type_of_the_pipeline(assembly):
    (function,) = (
        f
        for f in of(assembly, "AWS::Lambda::Function").values()
        if f["Handler"] == "functions.reporter.handler.handler"
    )
    prices = json.loads(function["Environment"]["Variables"]["PRICES"])["usd_per_hour"]
    definition = assembly.definition("dev")
    used = set()
    for step in definition.steps.values():
        arguments = step["Arguments"]
        for cluster in (
            arguments.get("ResourceConfig"),
            arguments.get("ProcessingResources", {}).get("ClusterConfig"),
        ):
            used |= {cluster["InstanceType"]} if cluster else set()
    assert len(used) >= 2
    assert all(used == set(hours) for hours in prices.values())
