"""Serverless variants: from zero, to zero, and no more at once than they may."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import ClassVar

import pytest

from rehearsal.backends import ServerlessConfig, Variant
from rehearsal.endpoints.backend import ProcessEndpoints
from rehearsal.endpoints.errors import NotServingError
from rehearsal.endpoints.instance import Timing
from rehearsal.endpoints.requests import Request
from rehearsal.endpoints.serverless import OnDemand
from rehearsal.errors import ApiError
from rehearsal.settings import RehearsalSettings
from tests.rehearsal.endpoints.support import ask, deploy
from tests.rehearsal.images.support import wait_until


@pytest.fixture
def timing() -> Timing:
    return Timing(idle=0.5, metrics_every=0.2)


@pytest.fixture
def running(settings: RehearsalSettings) -> Callable[[str], int]:
    """How many servers of an endpoint there are."""

    def count(name: str) -> int:
        return len(list((settings.state / "endpoints" / name).glob("*/i-*")))

    return count


def serverless(variant: Callable[..., Variant], most: int, **more: str) -> Variant:
    return variant(serverless=ServerlessConfig(2048, most), **more)


def test_an_idle_server_ends_and_the_next_request_starts_another(
    endpoints: ProcessEndpoints, variant: Callable[..., Variant], running: Callable[[str], int]
) -> None:
    assert deploy(endpoints, "cold", serverless(variant, 1))["EndpointStatus"] == "InService"
    first = ask(endpoints, "cold")["started"]
    wait_until(lambda: running("cold") == 0, "the server ends")

    assert ask(endpoints, "cold")["started"] > first
    assert running("cold") == 1


def test_a_request_over_the_limit_is_throttled(
    endpoints: ProcessEndpoints, variant: Callable[..., Variant]
) -> None:
    deploy(endpoints, "full", serverless(variant, 2))
    both = [threading.Thread(target=ask, args=(endpoints, "full", b"sleep 3")) for _ in range(2)]
    for thread in both:
        thread.start()

    def throttled() -> bool:
        try:
            ask(endpoints, "full")
        except ApiError as error:
            assert error.code == "ThrottlingException"
            assert "MaxConcurrency of 2" in error.message
            return True
        return False

    wait_until(throttled, "a third request is throttled")
    for thread in both:
        thread.join()
    assert ask(endpoints, "full")["model"] == "first"


def test_a_server_that_dies_is_started_again_by_the_next_request(
    endpoints: ProcessEndpoints, variant: Callable[..., Variant]
) -> None:
    deploy(endpoints, "mortal", serverless(variant, 1))
    with pytest.raises(ApiError, match="ModelError"):
        endpoints.invoke("mortal", b"die", {})

    def answers() -> bool:
        try:
            return bool(ask(endpoints, "mortal")["model"] == "first")
        except ApiError as error:
            # The next one may come before anybody has seen the death.
            assert error.code == "ModelError"
            return False

    wait_until(answers, "another server answers")


def test_a_serverless_variant_that_does_not_come_up_fails_its_update(
    endpoints: ProcessEndpoints, variant: Callable[..., Variant], image: Callable[[str], str]
) -> None:
    deploy(endpoints, "kept", serverless(variant, 1))

    failed = deploy(endpoints, "kept", serverless(variant, 1, image=image("raise SystemExit(7)")))

    assert "exit code 7" in failed["FailureReason"]
    assert ask(endpoints, "kept")["model"] == "first"


class SlowlyMade:
    """An instance whose making can be held, and that serves until it is stopped."""

    made: ClassVar[list[SlowlyMade]] = []
    may_be_made = threading.Event()
    underway = threading.Event()

    def __init__(self) -> None:
        SlowlyMade.underway.set()
        SlowlyMade.may_be_made.wait(10)
        self.ended = threading.Event()
        SlowlyMade.made.append(self)

    serving = False
    decided = True

    def wait_until_serving(self, timeout_seconds: float | None) -> None:
        self.ended.wait(10)

    def post(self, *_: object) -> None:
        raise NotServingError

    def stop(self) -> None:
        self.ended.set()

    kill = stop

    def join(self) -> None:
        assert self.ended.wait(10), "It was never stopped."


def test_a_variant_that_is_deleted_during_a_cold_start_leaves_no_server() -> None:
    SlowlyMade.may_be_made.set()
    servers = OnDemand(
        "all", ServerlessConfig(2048, 1), SlowlyMade, idle_seconds=60, on_setup=lambda _: None
    )
    SlowlyMade.may_be_made.clear()
    SlowlyMade.underway.clear()
    asking = threading.Thread(target=_asked_in_vain, args=(servers,))
    asking.start()
    assert SlowlyMade.underway.wait(10)
    stopping = threading.Thread(target=servers.stop)
    stopping.start()
    SlowlyMade.may_be_made.set()
    stopping.join()
    servers.join()
    asking.join()
    assert all(each.ended.is_set() for each in SlowlyMade.made)


def _asked_in_vain(servers: OnDemand) -> None:
    with pytest.raises(ApiError, match="ServiceUnavailable"):
        servers.ask(Request(b"", {}, 10))
