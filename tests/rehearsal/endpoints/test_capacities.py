"""More and fewer instances, and other weights, while an endpoint serves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rehearsal.backends import Capacity, Variant
from rehearsal.endpoints.backend import ProcessEndpoints
from rehearsal.errors import ApiError
from rehearsal.settings import RehearsalSettings
from tests.rehearsal.endpoints.support import ask, deploy, ended, load
from tests.rehearsal.images.support import Recorded


def change(endpoints: ProcessEndpoints, name: str, **capacities: Capacity) -> dict[str, Any]:
    recorded = Recorded([])
    endpoints.change_capacity(name, capacities, recorded)
    return ended(recorded)


def servers(endpoints: ProcessEndpoints, name: str) -> set[float]:
    return {ask(endpoints, name)["started"] for _ in range(12)}


def test_an_endpoint_scales_out_and_in_and_no_request_fails(
    endpoints: ProcessEndpoints, variant: Callable[..., Variant]
) -> None:
    deploy(endpoints, "scaled", variant())
    with load(endpoints, "scaled", b"sleep 0.05") as asked:
        more = change(endpoints, "scaled", AllTraffic=Capacity(instance_count=3))
        after_more = servers(endpoints, "scaled")
        fewer = change(endpoints, "scaled", AllTraffic=Capacity(instance_count=1))
        after_fewer = servers(endpoints, "scaled")

    assert asked.failures == []
    assert (len(after_more), len(after_fewer)) == (3, 1)
    counts = [
        (found["ProductionVariants"][0]["CurrentInstanceCount"], "FailureReason" in found)
        for found in (more, fewer)
    ]
    assert counts == [(3, False), (1, False)]


def test_weights_change_at_once(
    endpoints: ProcessEndpoints, variant: Callable[..., Variant]
) -> None:
    deploy(endpoints, "weighed", variant("one", weight=1.0), variant("two", "second", weight=0.0))
    assert ask(endpoints, "weighed")["variant"] == "one"

    change(endpoints, "weighed", one=Capacity(weight=0.0), two=Capacity(weight=2.0))

    assert {ask(endpoints, "weighed")["variant"] for _ in range(5)} == {"two"}


def test_an_instance_that_takes_no_connection_costs_no_request(
    settings: RehearsalSettings, endpoints: ProcessEndpoints, variant: Callable[..., Variant]
) -> None:
    deploy(endpoints, "cut", variant(instance_count=2))
    cut, *_ = (settings.state / "endpoints" / "cut").glob("*/i-*/socket")

    cut.unlink()

    assert len(servers(endpoints, "cut")) == 1


def test_an_endpoint_with_no_instance_answers_again_when_it_has_one(
    endpoints: ProcessEndpoints, variant: Callable[..., Variant]
) -> None:
    deploy(endpoints, "zero", variant())
    change(endpoints, "zero", AllTraffic=Capacity(instance_count=0))
    with pytest.raises(ApiError, match="wait until it is scaled out"):
        ask(endpoints, "zero")

    change(endpoints, "zero", AllTraffic=Capacity(instance_count=1))

    assert ask(endpoints, "zero")["model"] == "first"
