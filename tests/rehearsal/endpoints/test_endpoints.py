"""Endpoints, run for real against a MiniStack."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable

import pytest

from rehearsal import aws
from rehearsal.backends import Variant
from rehearsal.endpoints.backend import ProcessEndpoints
from rehearsal.errors import ApiError
from rehearsal.settings import RehearsalSettings
from tests.rehearsal.endpoints.support import ask, deploy, put_model
from tests.rehearsal.images.support import wait_until


@pytest.fixture
def text(settings: RehearsalSettings, bucket: str) -> str:
    """The URI of an object that is no archive."""
    aws.client(settings, "s3").put_object(Bucket=bucket, Key="text", Body=b"no archive")
    return f"s3://{bucket}/text"


def test_a_deployed_model_answers_with_its_own_files_variables_and_arguments(
    endpoints: ProcessEndpoints, variant: Callable[..., Variant]
) -> None:
    assert deploy(endpoints, "one", variant())["EndpointStatus"] == "InService"

    answer = ask(endpoints, "one")

    assert answer["model"] == "first"
    assert answer["arguments"] == ["serve"]
    assert answer["body"] == "hi"
    assert answer["type"] == "text/plain"
    assert answer["greeting"] == "hello"
    assert answer["variant"] == "AllTraffic"


def test_a_model_server_listens_where_this_machine_has_no_port(
    endpoints: ProcessEndpoints, variant: Callable[..., Variant]
) -> None:
    deploy(endpoints, "alone", variant())

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", 8080), 1)
    assert ask(endpoints, "alone")["model"] == "first"


def test_what_a_server_says_is_in_the_logs_of_its_variant(
    settings: RehearsalSettings, endpoints: ProcessEndpoints, variant: Callable[..., Variant]
) -> None:
    deploy(endpoints, "logged", variant())
    logs = aws.client(settings, "logs")
    group = "/aws/sagemaker/Endpoints/logged"

    def lines() -> list[str]:
        try:
            events = logs.filter_log_events(logGroupName=group)["events"]
        except logs.exceptions.ResourceNotFoundException:
            return []
        return [event["message"] for event in events]

    wait_until(lambda: "serving first" in lines(), "the line is in the logs")
    stream = logs.describe_log_streams(logGroupName=group)["logStreams"][0]["logStreamName"]
    assert stream.startswith("AllTraffic/i-")


def test_no_request_fails_while_an_endpoint_moves_to_another_model(
    endpoints: ProcessEndpoints, variant: Callable[..., Variant]
) -> None:
    first = variant()
    deploy(endpoints, "moving", first)
    answers: list[str] = []
    enough = threading.Event()

    def keep_asking() -> None:
        while not enough.is_set():
            try:
                answers.append(ask(endpoints, "moving")["model"])
            except Exception as error:  # noqa: BLE001 - any failure is what the test looks for
                answers.append(repr(error))

    askers = [threading.Thread(target=keep_asking) for _ in range(2)]
    for asker in askers:
        asker.start()
    deploy(endpoints, "moving", variant(model="second", image=first.image))
    wait_until(lambda: answers[-1] == "second", "the second model answers")
    enough.set()
    for asker in askers:
        asker.join()

    assert set(answers) == {"first", "second"}


def test_a_server_that_does_not_come_up_leaves_the_old_one_serving(
    endpoints: ProcessEndpoints, variant: Callable[..., Variant], image: Callable[[str], str]
) -> None:
    deploy(endpoints, "kept", variant())

    failed = deploy(endpoints, "kept", variant(image=image("raise SystemExit(7)")))

    assert failed["EndpointStatus"] == "InService"
    assert "exit code 7" in failed["FailureReason"]
    assert ask(endpoints, "kept")["model"] == "first"


def test_a_server_that_never_answers_ping_fails_at_its_deadline(
    endpoints: ProcessEndpoints, variant: Callable[..., Variant], image: Callable[[str], str]
) -> None:
    silent = variant(
        image=image("import time; time.sleep(600)"), startup_health_check_timeout_seconds=1
    )

    failed = deploy(endpoints, "silent", silent)

    assert failed["EndpointStatus"] == "Failed"
    assert "ping health check" in failed["FailureReason"]


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("{text}-nothing", "Failed to download"),
        ("{text}", "no model.tar.gz"),
    ],
)
def test_model_data_that_is_missing_or_no_archive_fails_with_a_sentence(
    endpoints: ProcessEndpoints, variant: Callable[..., Variant], text: str, url: str, sentence: str
) -> None:
    failed = deploy(endpoints, "bad", variant(model_data_url=url.format(text=text)))

    assert failed["EndpointStatus"] == "Failed"
    assert sentence in failed["FailureReason"]


def test_model_data_that_would_leave_its_folder_is_refused(
    settings: RehearsalSettings,
    endpoints: ProcessEndpoints,
    variant: Callable[..., Variant],
    bucket: str,
) -> None:
    uri = put_model(settings, bucket, "evil", "../../evil")

    failed = deploy(endpoints, "evil", variant(model_data_url=uri))

    assert failed["EndpointStatus"] == "Failed"
    assert "can be unpacked" in failed["FailureReason"]


def test_an_unknown_image_fails_with_a_sentence(
    endpoints: ProcessEndpoints, variant: Callable[..., Variant]
) -> None:
    unknown = "000000000000.dkr.ecr.us-east-1.amazonaws.com/images:nothing"

    failed = deploy(endpoints, "unknown", variant(image=unknown))

    assert failed["EndpointStatus"] == "Failed"
    assert "deploy the stack" in failed["FailureReason"]


def test_a_server_that_dies_is_replaced(
    endpoints: ProcessEndpoints, variant: Callable[..., Variant]
) -> None:
    deploy(endpoints, "mortal", variant())

    with pytest.raises(ApiError, match="ModelError"):
        endpoints.invoke("mortal", b"die", {})

    def answers() -> bool:
        try:
            return bool(ask(endpoints, "mortal")["model"] == "first")
        except ApiError as error:
            assert error.code in ("ServiceUnavailable", "ModelError")
            return False

    wait_until(answers, "another server answers")


def test_an_error_of_the_container_comes_back_as_it_is(
    endpoints: ProcessEndpoints, variant: Callable[..., Variant]
) -> None:
    deploy(endpoints, "teapot", variant())

    status, _, body = endpoints.invoke("teapot", b"fail", {})

    assert (status, body) == (418, b"no")


def test_weights_and_the_target_variant_say_which_model_answers(
    endpoints: ProcessEndpoints, variant: Callable[..., Variant]
) -> None:
    blue = variant("blue", "first", weight=0.0)
    green = variant("green", "second", weight=1.0, image=blue.image)
    deploy(endpoints, "two", blue, green)

    assert {ask(endpoints, "two")["variant"] for _ in range(5)} == {"green"}
    aimed = ask(endpoints, "two", **{"x-amzn-sagemaker-target-variant": "blue"})
    assert aimed["model"] == "first"


def test_a_deleted_endpoint_is_not_served(
    endpoints: ProcessEndpoints, variant: Callable[..., Variant]
) -> None:
    deploy(endpoints, "gone", variant())

    endpoints.delete("gone")

    with pytest.raises(ApiError, match="ServiceUnavailable"):
        endpoints.invoke("gone", b"hi", {})
