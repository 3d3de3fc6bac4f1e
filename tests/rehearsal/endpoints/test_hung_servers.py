"""A model server that lives and does not answer."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rehearsal.backends import Variant
from rehearsal.endpoints.backend import ProcessEndpoints
from rehearsal.endpoints.instance import Timing
from rehearsal.errors import ApiError
from tests.rehearsal.endpoints.support import ask, deploy
from tests.rehearsal.images.support import wait_until


@pytest.fixture
def timing() -> Timing:
    return Timing(ping_every=0.2, ping_timeout=0.5, missed_pings=3)


def started(endpoints: ProcessEndpoints, name: str) -> float | None:
    """When the server that answers was started; None if the one asked is just being replaced."""
    try:
        return float(ask(endpoints, name)["started"])
    except ApiError as error:
        assert error.code in ("ServiceUnavailable", "ModelError")
        return None


def test_a_server_that_hangs_is_replaced(
    endpoints: ProcessEndpoints, variant: Callable[..., Variant]
) -> None:
    deploy(endpoints, "hangs", variant())
    first = ask(endpoints, "hangs")["started"]

    ask(endpoints, "hangs", b"hang")

    def another_answers() -> bool:
        return (started(endpoints, "hangs") or first) > first

    wait_until(another_answers, "another server answers")


def test_requests_go_to_the_servers_that_answer_pings(
    endpoints: ProcessEndpoints, variant: Callable[..., Variant]
) -> None:
    deploy(endpoints, "two", variant(instance_count=2))
    hung = ask(endpoints, "two", b"hang")["started"]

    def only_the_other() -> bool:
        return all(started(endpoints, "two") not in (None, hung) for _ in range(4))

    wait_until(only_the_other, "only the server that answers pings is asked")
