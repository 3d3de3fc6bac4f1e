"""Shadow variants: they get copies, and nobody notices."""

from __future__ import annotations

from collections.abc import Callable

from rehearsal import aws
from rehearsal.backends import Variant
from rehearsal.endpoints.backend import ProcessEndpoints
from rehearsal.settings import RehearsalSettings
from tests.rehearsal.endpoints.support import ask, deploy
from tests.rehearsal.images.support import wait_until


def seen(settings: RehearsalSettings, endpoint: str, variant: str) -> list[str]:
    """What a variant's servers were asked."""
    logs = aws.client(settings, "logs")
    try:
        events = logs.filter_log_events(logGroupName=f"/aws/sagemaker/Endpoints/{endpoint}")[
            "events"
        ]
    except logs.exceptions.ResourceNotFoundException:
        return []
    return [
        event["message"]
        for event in events
        if event["logStreamName"].startswith(f"{variant}/")
        and event["message"].startswith("asked ")
    ]


def test_a_shadow_gets_copies_and_its_answers_reach_nobody(
    settings: RehearsalSettings, endpoints: ProcessEndpoints, variant: Callable[..., Variant]
) -> None:
    shadow = variant("shadow", "second")
    deploy(endpoints, "copied", variant(), shadow_variants=[shadow])

    answers = [ask(endpoints, "copied", f"{number}".encode()) for number in range(5)]

    assert {answer["model"] for answer in answers} == {"first"}
    assert {answer["variant"] for answer in answers} == {"AllTraffic"}
    wait_until(
        lambda: sorted(seen(settings, "copied", "shadow")) == [f"asked {n}" for n in range(5)],
        "the shadow was asked the same",
    )


def test_a_shadow_gets_the_share_that_its_weight_says(
    settings: RehearsalSettings, endpoints: ProcessEndpoints, variant: Callable[..., Variant]
) -> None:
    shadow = variant("shadow", "second", weight=0.5)
    deploy(endpoints, "sampled", variant(weight=1.0), shadow_variants=[shadow])

    for number in range(100):
        ask(endpoints, "sampled", f"{number}".encode())
    wait_until(lambda: len(seen(settings, "sampled", "AllTraffic")) == 100, "the logs are written")

    # Five standard deviations of a share of 50 % of 100 are 25.
    assert 25 <= len(seen(settings, "sampled", "shadow")) <= 75


def test_a_shadow_that_is_slow_or_fails_harms_no_answer(
    endpoints: ProcessEndpoints, variant: Callable[..., Variant]
) -> None:
    slow = variant("shadow", "bad", environment={"SLOW": "30"})
    deploy(endpoints, "unharmed", variant(), shadow_variants=[slow])

    # More than wait for a shadow at once.
    for _ in range(60):
        assert ask(endpoints, "unharmed")["model"] == "first"


def test_a_shadow_that_does_not_come_up_fails_the_deployment(
    endpoints: ProcessEndpoints, variant: Callable[..., Variant], image: Callable[[str], str]
) -> None:
    dead = variant("shadow", image=image("raise SystemExit(7)"))

    failed = deploy(endpoints, "dead", variant(), shadow_variants=[dead])

    assert failed["EndpointStatus"] == "Failed"
    assert "production variant shadow" in failed["FailureReason"]
