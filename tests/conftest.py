"""What holds for every test here."""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import boto3
import jsonschema
import pytest
from filelock import FileLock

from infra.training.offline import models_read_once

LONG = {"test_first_deployment.py", "test_review.py"}


def pytest_configure() -> None:
    # A shell's background job ignores Ctrl-C, and what it starts inherits that: none could be sent.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # A long file that a worker of pytest-xdist got last would be waited for by all others.
    items.sort(key=lambda item: item.path.name not in LONG)


@pytest.fixture(autouse=True)
def own_session(monkeypatch):
    """A function's clients find the credentials of this test, and not those of one before."""
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)


@pytest.fixture(scope="session", autouse=True)
def service_models():
    """Each test has sessions of its own: they all read the models of services again."""
    with models_read_once():
        yield


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Callable[[Path], None]], Path]:
    """Folders that are filled once for all workers of pytest-xdist, by the first that asks."""
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own

    def folder(name: str, fill: Callable[[Path], None]) -> Path:
        with FileLock(shared / f"{name}.lock"):
            if not (shared / f"{name}.filled").exists():
                (shared / name).mkdir(exist_ok=True)
                fill(shared / name)
                (shared / f"{name}.filled").touch()
        return shared / name

    return folder


@pytest.fixture(scope="session")
def contract() -> Callable[[str], jsonschema.Draft202012Validator]:
    """The validator of docs/contracts/<name>.schema.json, by its name."""

    def validator(name: str) -> jsonschema.Draft202012Validator:
        file = Path(__file__).resolve().parents[1] / "docs" / "contracts" / f"{name}.schema.json"
        schema = json.loads(file.read_text(encoding="utf-8"))
        jsonschema.Draft202012Validator.check_schema(schema)
        return jsonschema.Draft202012Validator(schema)

    return validator
