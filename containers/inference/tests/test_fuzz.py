"""Requests made up from openapi.yaml, well-formed and not: each is answered as the file says."""

import base64
import os

import numpy as np
import schemathesis
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from schemathesis.checks import positive_data_acceptance

from .servers import CONTAINER, Server, picture
from .traffic import GREYS, NPY, TYPES, file, npy

# The same in every run; for a longer search set FUZZ_EXAMPLES.
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "300"))


@st.composite
def damaged(draw: st.DrawFn, whole: st.SearchStrategy[bytes]) -> bytes:
    """A file, perhaps cut short, with a few bytes changed or something behind it."""
    content = bytearray(draw(whole))
    for place in draw(st.lists(st.integers(0, len(content) - 1), max_size=6)):
        content[place] = draw(st.integers(0, 255))
    cut = draw(st.none() | st.integers(0, len(content)))
    return bytes(content[:cut]) + draw(st.just(b"") | st.binary(max_size=50))


def files(kind: str) -> st.SearchStrategy[bytes]:
    sides = st.sampled_from([1, 8, 33])
    return st.builds(file, st.sampled_from(GREYS), st.just(kind), sides)


@st.composite
def arrays(draw: st.DrawFn) -> bytes:
    """Arrays of any shape and type, so mostly none that the server takes."""
    shape = draw(st.just((1, 8, 8, 3)) | st.lists(st.integers(0, 9), max_size=5).map(tuple))
    types = ["uint8", "uint8", "int8", "float32", "float64", "bool", "S3", "U2", "datetime64[s]"]
    return npy(np.zeros(shape, draw(st.sampled_from(types))))


def whole_or_not(content: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    return content | damaged(content) | st.binary(max_size=300)


for kind, media_type in TYPES.items():
    schemathesis.openapi.media_type(media_type, whole_or_not(files(kind)))
schemathesis.openapi.media_type(NPY, whole_or_not(arrays()))
schemathesis.openapi.format(
    "byte", whole_or_not(files("PNG")).map(lambda content: base64.b64encode(content).decode())
)


API = schemathesis.openapi.from_path(CONTAINER / "openapi.yaml")


def made_up() -> st.SearchStrategy[schemathesis.Case]:
    """Requests that keep to the schema, and ones that break it."""
    modes = schemathesis.GenerationMode
    return API.as_strategy(modes.POSITIVE) | API.as_strategy(modes.NEGATIVE)


@settings(
    max_examples=EXAMPLES,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
@given(case=made_up())
def test_whatever_is_sent_is_answered_as_the_schema_says(
    case: schemathesis.Case, server: Server
) -> None:
    response = case.call(base_url=str(server.client.base_url))

    event(f"{case.method} {response.status_code}")
    # A schema can't say which bytes are an image, so that what keeps to it may be refused.
    case.validate_response(response, excluded_checks=[positive_data_acceptance])
    assert response.status_code < 500
    if response.status_code != 200:
        assert response.json()["error"].endswith(".")
    assert server.process.poll() is None


def test_after_all_that_the_server_answers_as_before(server: Server) -> None:
    assert server.post(picture(255)).json()["label"] == "bright"
