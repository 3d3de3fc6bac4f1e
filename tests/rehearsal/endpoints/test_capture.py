"""Captured requests and answers in S3."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from rehearsal import aws
from rehearsal.backends import DataCapture, Variant
from rehearsal.endpoints.backend import ProcessEndpoints
from rehearsal.settings import RehearsalSettings
from tests.rehearsal.endpoints.support import ask, deploy
from tests.rehearsal.images.support import wait_until


@pytest.fixture
def capture(bucket: str) -> Callable[..., DataCapture]:
    def make(**changes: Any) -> DataCapture:
        given: dict[str, Any] = {
            "sampling_share": 1.0,
            "destination_s3_uri": f"s3://{bucket}/captured/",
            "kms_key_id": None,
            "modes": frozenset({"INPUT", "OUTPUT"}),
            "json_content_types": frozenset({"application/json"}),
            "csv_content_types": frozenset({"text/csv"}),
        }
        return DataCapture(**given | changes)

    return make


@pytest.fixture
def captured(settings: RehearsalSettings, bucket: str) -> Callable[[], dict[str, list[Any]]]:
    """The events by their objects' keys."""

    def read() -> dict[str, list[Any]]:
        s3 = aws.client(settings, "s3")
        listed = s3.list_objects_v2(Bucket=bucket, Prefix="captured/").get("Contents", [])
        return {
            found["Key"]: [
                json.loads(line)
                for line in s3.get_object(Bucket=bucket, Key=found["Key"])["Body"].iter_lines()
            ]
            for found in listed
        }

    return read


def all_of(events: dict[str, list[Any]]) -> list[Any]:
    return [event for each in events.values() for event in each]


def test_requests_and_answers_lie_where_and_as_sagemaker_writes_them(
    endpoints: ProcessEndpoints,
    variant: Callable[..., Variant],
    capture: Callable[..., DataCapture],
    captured: Callable[[], dict[str, list[Any]]],
) -> None:
    deploy(endpoints, "kept", variant(), data_capture=capture())
    ask(endpoints, "kept", b"1,2", **{"content-type": "text/csv"})
    ask(
        endpoints,
        "kept",
        b"\xff\x00",
        **{"content-type": "image/png", "x-amzn-sagemaker-inference-id": "mine"},
    )

    wait_until(lambda: len(all_of(captured())) == 2, "both are in S3")
    found = captured()
    hour = datetime.now(UTC).strftime("%Y/%m/%d")
    name = r"/\d\d/\d\d-\d\d-\d{3}-[0-9a-f-]{36}\.jsonl"
    for key in found:
        assert re.fullmatch(f"captured/kept/AllTraffic/{hour}{name}", key)
    text, image = all_of(found)
    assert text["captureData"]["endpointInput"] == {
        "observedContentType": "text/csv",
        "mode": "INPUT",
        "data": "1,2",
        "encoding": "CSV",
    }
    output = text["captureData"]["endpointOutput"]
    assert (output["mode"], output["encoding"]) == ("OUTPUT", "JSON")
    assert output["observedContentType"] == "application/json; charset=utf-8"
    assert json.loads(output["data"])["model"] == "first"
    assert text["eventVersion"] == "0"
    assert set(text["eventMetadata"]) == {"eventId", "inferenceTime"}
    assert datetime.fromisoformat(text["eventMetadata"]["inferenceTime"]).tzinfo
    input_ = image["captureData"]["endpointInput"]
    assert (input_["encoding"], base64.b64decode(input_["data"])) == ("BASE64", b"\xff\x00")
    assert image["eventMetadata"]["inferenceId"] == "mine"


def test_only_the_mode_and_the_share_that_are_asked_for_are_kept(
    endpoints: ProcessEndpoints,
    variant: Callable[..., Variant],
    capture: Callable[..., DataCapture],
    captured: Callable[[], dict[str, list[Any]]],
) -> None:
    half = capture(sampling_share=0.5, modes=frozenset({"OUTPUT"}))
    deploy(endpoints, "half", variant(), data_capture=half)
    for _ in range(100):
        ask(endpoints, "half")
    endpoints.close()  # Writes what is left.

    events = all_of(captured())
    # Five standard deviations of a share of 50 % of 100 are 25.
    assert 25 <= len(events) <= 75
    assert {frozenset(event["captureData"]) for event in events} == {frozenset({"endpointOutput"})}


def test_a_shadow_is_captured_under_its_own_name_and_errors_are_not(
    endpoints: ProcessEndpoints,
    variant: Callable[..., Variant],
    capture: Callable[..., DataCapture],
    captured: Callable[[], dict[str, list[Any]]],
) -> None:
    shadow = variant("shadow", "second")
    deploy(endpoints, "both", variant(), shadow_variants=[shadow], data_capture=capture())
    endpoints.invoke("both", b"fail", {})
    ask(endpoints, "both")

    wait_until(lambda: len(all_of(captured())) == 2, "both are in S3")
    models = {
        key.split("/")[2]: json.loads(event["captureData"]["endpointOutput"]["data"])["model"]
        for key, events in captured().items()
        for event in events
    }
    assert models == {"AllTraffic": "first", "shadow": "second"}


def test_a_place_that_can_not_be_written_harms_no_answer(
    endpoints: ProcessEndpoints,
    variant: Callable[..., Variant],
    capture: Callable[..., DataCapture],
) -> None:
    nowhere = capture(destination_s3_uri="s3://there-is-no-such-bucket/x")
    deploy(endpoints, "nowhere", variant(), data_capture=nowhere)

    assert ask(endpoints, "nowhere")["model"] == "first"
