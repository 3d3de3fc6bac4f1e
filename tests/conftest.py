"""What holds for every test here."""

import json
import signal
from collections.abc import Callable
from pathlib import Path

import boto3
import jsonschema
import pytest


def pytest_configure() -> None:
    # A shell's background job ignores Ctrl-C, and what it starts inherits that: none could be sent.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def own_session(monkeypatch):
    """A function's clients find the credentials of this test, and not those of one before."""
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)


@pytest.fixture(scope="session")
def contract() -> Callable[[str], jsonschema.Draft202012Validator]:
    """The validator of docs/contracts/<name>.schema.json, by its name."""

    def validator(name: str) -> jsonschema.Draft202012Validator:
        file = Path(__file__).resolve().parents[1] / "docs" / "contracts" / f"{name}.schema.json"
        schema = json.loads(file.read_text(encoding="utf-8"))
        jsonschema.Draft202012Validator.check_schema(schema)
        return jsonschema.Draft202012Validator(schema)

    return validator
