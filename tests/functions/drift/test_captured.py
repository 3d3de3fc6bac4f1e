import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.drift.captured import Tally

PACKAGE = "arn:aws:sagemaker:us-east-1:123456789012:model-package/shardwise-dev-0a1b2c3d/3"


@pytest.fixture
def tally():
    return Tally(PACKAGE)


def line(answer, encoding="JSON", content_type="application/json"):
    data = answer if isinstance(answer, str) else json.dumps(answer)
    output = {
        "observedContentType": content_type,
        "mode": "OUTPUT",
        "data": data,
        "encoding": encoding,
    }
    event = {"eventId": "1", "inferenceTime": "2026-11-25T01:02:03Z"}
    captured = {"captureData": {"endpointOutput": output}, "eventMetadata": event}
    return json.dumps({**captured, "eventVersion": "0"}).encode()


def answer(label="cat", package=PACKAGE):
    return {"label": label, "probability": 0.9, "model_package_arn": package, "request_id": "r"}


def test_a_single_answer_counts_once(tally):
    tally.add(line(answer("cat")))
    assert (tally.labels, tally.predictions) == ({"cat": 1}, 1)


def test_each_answer_of_a_batch_counts(tally):
    predictions = [{"label": "cat"}, {"label": "dog"}, {"label": "cat"}]
    tally.add(line({"predictions": predictions, "model_package_arn": PACKAGE}))
    assert (tally.labels, tally.predictions) == ({"cat": 2, "dog": 1}, 3)


def test_an_answer_that_was_captured_in_base64_counts_too(tally):
    encoded = base64.b64encode(json.dumps(answer("cat")).encode()).decode()
    tally.add(line(encoded, encoding="BASE64"))
    assert tally.labels == {"cat": 1}


@pytest.mark.parametrize("package", [PACKAGE[:-1] + "4", PACKAGE + "3"])
def test_answers_of_other_models_are_counted_apart(tally, package):
    tally.add(line(answer(package=package)))
    tally.add(line({"predictions": [{"label": "cat"}] * 2, "model_package_arn": package}))
    assert (tally.labels, tally.of_other_models, tally.unreadable) == ({}, 3, 0)


@pytest.mark.parametrize(
    "unreadable",
    [
        b"",
        b"no json",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"{}",
        b'{"captureData": {}}',
        b"[" * 100_000,
        line("no json"),
        line("[]"),
        line("null"),
        line({}),
        line({"label": "cat"}),  # of which model?
        line(answer(package=None)),
        line(answer(label=None)),
        line(answer(label=["cat"])),
        line({"predictions": ["cat"], "model_package_arn": PACKAGE}),
        line({"predictions": "cat", "model_package_arn": PACKAGE}),
        line({"predictions": None, "model_package_arn": PACKAGE}),
        line({"predictions": [{"label": "cat"}, {}], "model_package_arn": PACKAGE}),
        line("k05VTVBZ", encoding="BASE64", content_type="application/x-npy"),
        line("-", encoding="BASE64"),
    ],
)
def test_a_line_without_an_answer_of_the_contract_is_skipped_and_counted(tally, unreadable):
    tally.add(unreadable)
    tally.add(line(answer("dog")))
    assert (tally.labels, tally.unreadable) == ({"dog": 1}, 1)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_no_line_ends_the_comparison(content):
    tally = Tally(PACKAGE)
    tally.add(content)
    assert (tally.predictions, tally.unreadable) == (0, 1)


@given(JSON)
def test_no_answer_ends_the_comparison(content):
    tally = Tally(PACKAGE)
    tally.add(line(content))
    assert tally.predictions + tally.of_other_models + tally.unreadable in (0, 1)
