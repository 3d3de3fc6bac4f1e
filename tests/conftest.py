"""What holds for every test here."""

import signal

import boto3
import pytest


def pytest_configure() -> None:
    # A shell's background job ignores Ctrl-C, and what it starts inherits that: none could be sent.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def own_session(monkeypatch):
    """A function's clients find the credentials of this test, and not those of one before."""
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
