"""Captured answers, comparison, alarm, event and execution, in a rehearsal."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from functions.drift import captured as limits
from functions.drift.captured import Folder, Tally, Window, count_newest
from tests.infra.drift.conftest import (
    CAPTURED,
    ENDPOINT,
    HOURS,
    MINIMUM,
    PREFIX,
    RECORDS,
    THRESHOLD,
    TRAINED,
    alarm_event,
)
from tests.rehearsal.conftest import eventually

LIKE_TRAINED = {"cat": 100, "dog": 60, "cow": 40}
DRIFTED = {"cat": 20, "dog": 20, "cow": 560}


def points(deployed, name):
    """How many data points a metric of the endpoint has."""
    now = datetime.now(UTC)
    found = deployed.client("cloudwatch").get_metric_statistics(
        Namespace="Shardwise",
        MetricName=name,
        Dimensions=[{"Name": "EndpointName", "Value": ENDPOINT}],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(hours=1),
        Period=60,
        Statistics=["SampleCount"],
    )["Datapoints"]
    return sum(point["SampleCount"] for point in found)


def kept(deployed):
    found = deployed.client("s3").get_object(Bucket=RECORDS, Key="drift/comparison.json")
    return json.load(found["Body"])


def test_where_no_model_serves_nothing_happens(deployed):
    deployed.serves("")
    assert deployed.compares() is None


def test_a_model_that_does_not_say_what_it_was_trained_on_is_not_compared(deployed):
    package = deployed.registers({})
    deployed.serves(package)
    deployed.answers(package, DRIFTED)
    assert deployed.compares() is None


def test_few_answers_are_counted_and_say_nothing_of_drift(deployed, served, contract):
    deployed.answers(served, {"cow": MINIMUM - 1})
    drifts, counts = points(deployed, "ClassShareDrift"), points(deployed, "CapturedPredictions")
    found = deployed.compares()
    assert found["predictions"] == MINIMUM - 1
    assert found["drift"] is found["distance"] is None
    contract("comparison").validate(found)
    assert points(deployed, "ClassShareDrift") == drifts
    assert points(deployed, "CapturedPredictions") == counts + 1


def test_answers_like_the_training_are_no_drift(deployed, served, contract):
    deployed.answers(served, LIKE_TRAINED)
    found = deployed.compares()
    assert (found["distance"], found["drift"]) == (0, 0)
    assert found["model_package_arn"] == served
    assert found["classes"]["dog"] == {"trained": 300, "predicted": 60}
    assert found == kept(deployed)
    contract("comparison").validate(found)


def test_other_models_answers_and_other_lines_are_counted_and_left_out(deployed, served):
    deployed.answers(served, LIKE_TRAINED)
    deployed.answers(served + "9", DRIFTED)
    deployed.captures(b'no json\n\n{"captureData": {}}\n')
    found = deployed.compares()
    assert (found["predictions"], found["distance"]) == (200, 0)
    assert found["of_other_models"] >= 600
    assert found["unreadable"] >= 2


def test_it_looks_further_back_only_until_there_are_answers_enough(deployed, served):
    deployed.answers(served, {"cat": 30})
    deployed.answers(served, {"cat": 20}, hours_ago=HOURS)
    deployed.answers(served, {"dog": 60}, hours_ago=HOURS + 20)
    deployed.answers(served, {"cow": 40}, hours_ago=HOURS + 40)
    predicted = {label: n["predicted"] for label, n in deployed.compares()["classes"].items()}
    assert predicted == {"cat": 50, "dog": 60, "cow": 0}


def test_a_drift_starts_one_execution_however_often_its_alarm_is_raised(deployed, served):
    deployed.answers(served, LIKE_TRAINED)
    deployed.compares()
    assert deployed.executions(served) == []

    deployed.answers(served, DRIFTED)
    found = deployed.compares()
    assert found["drift"] > THRESHOLD
    flap(deployed)
    (execution,) = eventually(lambda: deployed.executions(served), seconds=120)

    asked_as = f"drift/{served.partition(':model-package/')[2]}"
    assert deployed.is_alarmed() == asked_as  # the event once more
    flap(deployed)
    # The pipeline fails in its one step, and that is no reason to try it again.
    eventually(lambda: deployed.state(served) == "Failed", lambda: deployed.state(served))
    deployed.is_alarmed()
    assert deployed.executions(served) == [execution]


def test_another_model_that_drifts_has_an_execution_of_its_own(deployed, served):
    deployed.answers(served, DRIFTED)
    deployed.compares()
    flap(deployed)
    assert len(eventually(lambda: deployed.executions(served), seconds=120)) == 1


def test_an_event_that_comes_when_another_model_serves_starts_nothing(deployed, served):
    deployed.answers(served, DRIFTED)
    deployed.compares()
    asked = deployed.state(served)
    deployed.serves(deployed.registers(TRAINED))
    assert deployed.is_alarmed() is None
    assert deployed.state(served) == asked


def test_an_event_that_comes_when_the_drift_is_over_starts_nothing(deployed, served):
    deployed.answers(served, LIKE_TRAINED)
    deployed.compares()
    assert deployed.is_alarmed() is None
    assert deployed.executions(served) == []


def test_the_rule_takes_the_alarm_being_raised_and_no_other_event(deployed):
    events = deployed.client("events")
    pattern = events.describe_rule(Name=deployed.rule)["EventPattern"]

    def takes(event):
        return events.test_event_pattern(EventPattern=pattern, Event=json.dumps(event))["Result"]

    assert takes(alarm_event(deployed.alarm, "ALARM"))
    assert not takes(alarm_event(deployed.alarm, "OK"))
    assert not takes(alarm_event("another", "ALARM"))


@pytest.mark.parametrize(("limit", "value"), [("MAXIMUM_FILES", 2), ("MAXIMUM_BYTES", 60_000)])
def test_only_the_newest_files_count_where_there_are_too_many(
    deployed, served, monkeypatch, limit, value
):
    now = datetime(2025, 1, 2, 3, tzinfo=UTC)
    hours_ago = round((datetime.now(UTC) - now).total_seconds() / 3600)
    for label in ("cat", "dog", "cow"):  # the oldest first
        deployed.answers(served, {label: 60}, hours_ago)
    monkeypatch.setattr(limits, limit, value)
    tally, folder = Tally(served), Folder(CAPTURED, PREFIX)
    extent = count_newest(deployed.client("s3"), folder, tally, Window(2, 1), now)
    assert tally.labels == {"cow": 60, "dog": 60}
    assert (extent.files, extent.is_whole) == (2, False)


def flap(deployed):
    """The alarm leaves the state that it may be in already, and comes to it by the data."""
    state = {"StateValue": "OK", "StateReason": "a test"}
    deployed.client("cloudwatch").set_alarm_state(AlarmName=deployed.alarm, **state)
    deployed.comes_to("ALARM")
