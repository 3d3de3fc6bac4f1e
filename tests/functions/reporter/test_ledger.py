"""Telling once, whatever comes twice or dies in between, with notes in a rehearsal's S3."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from functions.reporter.ledger import BusyError, Ledger
from functions.shared import Documents
from tests.rehearsal.conftest import Server

NOW = datetime(2026, 11, 25, tzinfo=UTC)


@pytest.fixture(scope="module")
def documents(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("ledger") / "state").start()
    try:
        server.client("s3").create_bucket(Bucket="artifacts")
        yield Documents(server.client("s3"), "artifacts")
    finally:
        server.end()


@pytest.fixture
def told():
    return []


@pytest.fixture
def tell(told):
    def work():
        told.append("it")
        return {"message": "it"}

    return work


def test_what_was_told_is_not_told_again(documents, tell, told):
    ledger = Ledger(documents, lambda: NOW)

    assert ledger.once("again", tell)
    assert not ledger.once("again", tell)
    assert told == ["it"]
    assert documents.read("reports/again.json")[0]["message"] == "it"


def test_what_failed_is_told_at_the_next_attempt(documents, tell, told):
    def fails():
        raise ValueError("SNS is away")

    ledger = Ledger(documents, lambda: NOW)
    with pytest.raises(ValueError, match="SNS is away"):
        ledger.once("failed", fails)

    assert ledger.once("failed", tell)
    assert told == ["it"]


def test_of_two_at_once_one_tells_and_the_other_comes_back(documents, tell, told):
    begun, go_on = threading.Event(), threading.Event()

    def slow():
        begun.set()
        go_on.wait()
        return tell()

    ledger = Ledger(documents, lambda: NOW)
    first = threading.Thread(target=ledger.once, args=("both", slow))
    first.start()
    begun.wait()
    with pytest.raises(BusyError):
        ledger.once("both", tell)
    go_on.set()
    first.join()

    assert not ledger.once("both", tell)
    assert told == ["it"]


def test_what_a_dead_function_had_claimed_is_told_by_another(documents, tell, told):
    # As the one that died left it.
    claim = {"state": "claimed", "time": NOW.isoformat()}
    documents.replace("reports/dead.json", claim, None)
    with pytest.raises(BusyError):
        Ledger(documents, lambda: NOW + timedelta(seconds=59)).once("dead", tell)

    assert Ledger(documents, lambda: NOW + timedelta(minutes=3)).once("dead", tell)
    assert told == ["it"]
