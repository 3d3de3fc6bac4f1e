"""Blue/green deployments: the share of each fleet at the client, alarms, and nothing lost."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from rehearsal import aws
from rehearsal.backends import DeploymentConfig, TrafficStep, Variant
from rehearsal.endpoints.backend import ProcessEndpoints
from rehearsal.endpoints.errors import RolledBackError
from rehearsal.endpoints.instance import Timing
from rehearsal.endpoints.rollout import RollbackAlarms
from rehearsal.errors import ApiError
from rehearsal.modes import Modes
from rehearsal.settings import RehearsalSettings
from tests.rehearsal.endpoints.support import ask, baking, begin, deploy, ended, load
from tests.rehearsal.images.support import ROLE, wait_until

MakeVariant = Callable[..., Variant]
LONG = 60.0


@pytest.fixture
def alarm(settings: RehearsalSettings, request: pytest.FixtureRequest) -> Iterator[str]:
    """An alarm whose state only `set_alarm_state` changes."""
    cloudwatch = aws.client(settings, "cloudwatch")
    name = f"alarm-{request.node.name}"
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        Namespace="tests",
        MetricName=name,
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    yield name
    cloudwatch.delete_alarms(AlarmNames=[name])


@pytest.fixture
def trip(settings: RehearsalSettings) -> Callable[[str], None]:
    def now(name: str) -> None:
        aws.client(settings, "cloudwatch").set_alarm_state(
            AlarmName=name, StateValue="ALARM", StateReason="the test says so"
        )

    return now


def canary(share: float, *alarms: str, wait: float = LONG) -> DeploymentConfig:
    first = TrafficStep(share, wait, "WaitIntervalInSeconds")
    return DeploymentConfig([first, TrafficStep(1.0)], alarms)


def models(endpoints: ProcessEndpoints, name: str, requests: int) -> Counter[str]:
    return Counter(ask(endpoints, name)["model"] for _ in range(requests))


def test_a_canary_gets_its_share_and_then_all(
    endpoints: ProcessEndpoints, variant: MakeVariant, alarm: str, trip: Callable[[str], None]
) -> None:
    deploy(endpoints, "canary", variant())
    recorded = begin(endpoints, "canary", variant(model="second"), deployment=canary(0.25, alarm))
    wait_until(lambda: len(baking(recorded)) == 1, "the canary bakes")

    answers = models(endpoints, "canary", 400)

    # Five standard deviations of a share of 25 % of 400 are 43.
    assert 57 <= answers["second"] <= 143
    assert answers["first"] + answers["second"] == 400
    assert "25% of the capacity of 1 instance(s)" in baking(recorded)[0]
    assert recorded.fields.get("EndpointStatus") is None
    trip(alarm)
    ended(recorded)


def test_a_canary_that_bakes_in_peace_takes_over(
    endpoints: ProcessEndpoints, variant: MakeVariant, alarm: str
) -> None:
    deploy(endpoints, "peace", variant())

    end = deploy(
        endpoints, "peace", variant(model="second"), deployment=canary(0.5, alarm, wait=0.3)
    )

    assert end["EndpointStatus"] == "InService"
    assert "FailureReason" not in end
    assert models(endpoints, "peace", 20) == {"second": 20}


def test_where_waits_are_shorter_the_configuration_stays_as_it_is(
    settings: RehearsalSettings, timing: Timing, variant: MakeVariant
) -> None:
    shorter = replace(settings, modes=Modes(shorter_waits=1000))
    endpoints = ProcessEndpoints(shorter, timing)
    try:
        deploy(endpoints, "shorter", variant())
        waits = canary(0.5, wait=300)
        recorded = begin(endpoints, "shorter", variant(model="second"), deployment=waits)
        ended(recorded)
        assert "Baking for 300 seconds" in baking(recorded)[0]
        assert models(endpoints, "shorter", 10) == {"second": 10}
    finally:
        endpoints.close()


def test_linear_steps_go_up_to_all(endpoints: ProcessEndpoints, variant: MakeVariant) -> None:
    deploy(endpoints, "linear", variant())
    wait = "WaitIntervalInSeconds"
    steps = [TrafficStep(0.3, 1.0, wait), TrafficStep(0.6, 1.0, wait), TrafficStep(1.0, 1.0)]
    during: list[Counter[str]] = []

    def watch_step() -> None:
        before = asked.answers.copy()
        wait_until(lambda: (asked.answers - before).total() >= 20, "20 answers")
        during.append(asked.answers - before)

    with load(endpoints, "linear") as asked:
        recorded = begin(
            endpoints,
            "linear",
            variant(model="second"),
            deployment=DeploymentConfig(steps),
            at_baking=watch_step,
        )
        ended(recorded)

    assert asked.failures == []
    shares = [answers["second"] / answers.total() for answers in during]
    assert shares[0] < shares[2]
    assert [message.rpartition("enabled on ")[2] for message in baking(recorded)] == [
        "30% of the capacity of 1 instance(s).",
        "60% of the capacity of 1 instance(s).",
        "full capacity of 1 instance(s).",
    ]
    assert models(endpoints, "linear", 10) == {"second": 10}


def test_alarms_are_watched_for_longer_than_the_credentials_of_their_role_live(
    settings: RehearsalSettings, alarm: str, trip: Callable[[str], None]
) -> None:
    watched = RollbackAlarms([alarm], aws.Role(settings, ROLE, "watching", 2))
    watched.check()

    time.sleep(2.5)

    watched.check()
    trip(alarm)
    with pytest.raises(RolledBackError, match="is in the state ALARM"):
        watched.check()


def test_an_alarm_brings_all_traffic_back_and_no_request_fails(
    endpoints: ProcessEndpoints, variant: MakeVariant, alarm: str, trip: Callable[[str], None]
) -> None:
    deploy(endpoints, "back", variant())
    with load(endpoints, "back", b"sleep 0.05") as asked:
        recorded = begin(endpoints, "back", variant(model="second"), deployment=canary(0.5, alarm))
        wait_until(lambda: asked.answers["second"] >= 10, "the canary answers")

        trip(alarm)
        end = ended(recorded)
        of_green = asked.answers["second"]
        wait_until(lambda: asked.answers["first"] >= 40, "the old fleet answers")

    assert asked.failures == []
    assert asked.answers["second"] == of_green
    assert end["EndpointStatus"] == "InService"
    assert f"the alarm {alarm} is in the state ALARM" in end["FailureReason"]


def test_a_request_that_is_under_way_is_answered_by_the_fleet_that_is_rolled_back(
    endpoints: ProcessEndpoints, variant: MakeVariant, alarm: str, trip: Callable[[str], None]
) -> None:
    deploy(endpoints, "slow", variant())
    recorded = begin(endpoints, "slow", variant(model="second"), deployment=canary(1.0, alarm))
    wait_until(lambda: len(baking(recorded)) == 1, "the new fleet gets requests")
    answers: list[Any] = []
    slow = threading.Thread(target=lambda: answers.append(ask(endpoints, "slow", b"sleep 2")))
    slow.start()
    time.sleep(0.5)

    trip(alarm)
    end = ended(recorded)
    slow.join()

    assert answers[0]["model"] == "second"
    assert "ALARM" in end["FailureReason"]
    assert ask(endpoints, "slow")["model"] == "first"


def test_errors_of_the_new_model_trip_a_real_alarm(
    settings: RehearsalSettings, endpoints: ProcessEndpoints, variant: MakeVariant
) -> None:
    aws.client(settings, "cloudwatch").put_metric_alarm(
        AlarmName="errors",
        Namespace="AWS/SageMaker",
        MetricName="Invocation5XXErrors",
        Dimensions=[
            {"Name": "EndpointName", "Value": "sick"},
            {"Name": "VariantName", "Value": "AllTraffic"},
        ],
        Statistic="Sum",
        Period=10,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
    )
    deploy(endpoints, "sick", variant())
    with load(endpoints, "sick", b"sleep 0.02") as asked:
        end = deploy(endpoints, "sick", variant(model="bad"), deployment=canary(0.1, "errors"))
        failed = len(asked.failures)
        answered = asked.answers["first"]
        wait_until(lambda: asked.answers["first"] >= answered + 20, "the old fleet answers")

    assert end["EndpointStatus"] == "InService"
    assert "alarm errors" in end["FailureReason"]
    # What failed is the bad model's own: after the rollback nothing does.
    assert all("bad model" in failure for failure in asked.failures)
    assert len(asked.failures) == failed > 0


def test_an_alarm_that_is_tripped_before_lets_no_traffic_move(
    endpoints: ProcessEndpoints, variant: MakeVariant, alarm: str, trip: Callable[[str], None]
) -> None:
    deploy(endpoints, "before", variant())
    trip(alarm)

    with load(endpoints, "before") as asked:
        end = deploy(endpoints, "before", variant(model="second"), deployment=canary(0.5, alarm))

    assert "ALARM" in end["FailureReason"]
    assert set(asked.answers) == {"first"}
    assert asked.failures == []


def test_an_alarm_that_is_not_there_fails_the_update_with_a_sentence(
    endpoints: ProcessEndpoints, variant: MakeVariant
) -> None:
    deploy(endpoints, "unguarded", variant())

    end = deploy(endpoints, "unguarded", variant(model="second"), deployment=canary(0.5, "nothing"))

    assert "There is no alarm nothing" in end["FailureReason"]
    assert ask(endpoints, "unguarded")["model"] == "first"


def test_an_update_that_takes_longer_than_it_may_is_taken_back(
    endpoints: ProcessEndpoints, variant: MakeVariant
) -> None:
    deploy(endpoints, "late", variant())
    steps = [TrafficStep(0.5, LONG), TrafficStep(1.0)]

    end = deploy(
        endpoints,
        "late",
        variant(model="second"),
        deployment=DeploymentConfig(steps, timeout_seconds=3.0),
    )

    assert "MaximumExecutionTimeoutInSeconds" in end["FailureReason"]
    assert ask(endpoints, "late")["model"] == "first"


def test_a_new_fleet_whose_servers_die_is_taken_back(
    endpoints: ProcessEndpoints, variant: MakeVariant
) -> None:
    deploy(endpoints, "dying", variant())
    recorded = begin(endpoints, "dying", variant(model="second"), deployment=canary(1.0))
    wait_until(lambda: len(baking(recorded)) == 1, "the new fleet gets requests")

    with pytest.raises(ApiError, match="ModelError"):
        endpoints.invoke("dying", b"die", {})

    assert "no model server of the new fleet" in ended(recorded)["FailureReason"]
    assert ask(endpoints, "dying")["model"] == "first"


def test_a_deleted_endpoint_ends_its_update(
    endpoints: ProcessEndpoints, variant: MakeVariant
) -> None:
    deploy(endpoints, "deleted", variant())
    recorded = begin(endpoints, "deleted", variant(model="second"), deployment=canary(0.5))
    wait_until(lambda: len(baking(recorded)) == 1, "the canary bakes")

    endpoints.delete("deleted")
    deploy(endpoints, "deleted", variant(model="third"))

    assert models(endpoints, "deleted", 10) == {"third": 10}
    assert "EndpointStatus" not in recorded.fields
