"""What an environment needs against what Service Quotas answers."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from infra.rules.quotas import Quota
from scripts.commands import quotas

TRAINING = "ml.c5.2xlarge for training job usage"
PROCESSING = "ml.m5.large for processing job usage"


class ServiceQuotas(BaseHTTPRequestHandler):
    """Service Quotas' API: two pages, the first with the quota of processing."""

    account: dict[str, float] | None = None

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert request["ServiceCode"] == "sagemaker"
        if self.account is None:
            return self._answer(400, {})
        names = [TRAINING] if "NextToken" in request else [PROCESSING]
        page = {
            "Quotas": [{"QuotaName": n, "Value": self.account[n]} for n in names],
            **({} if "NextToken" in request else {"NextToken": "more"}),
        }
        return self._answer(200, page)

    def _answer(self, status: int, body: object) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[ThreadingHTTPServer]:
    made = ThreadingHTTPServer(("127.0.0.1", 0), ServiceQuotas)
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


@pytest.fixture
def said(server, monkeypatch, capsys) -> Callable[[dict[str, float] | None], tuple[int, str, str]]:
    """Runs the command against an account; gives its status, what it printed and complained."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    # To synthesise takes long, and tests of infra/rules/quotas.py look at what comes of it.
    wanted = [Quota(TRAINING, 4, "TrainModel"), Quota(PROCESSING, 1, "CreateManifests")]
    monkeypatch.setattr(quotas, "_needed", lambda environment: wanted)

    def run(account: dict[str, float] | None) -> tuple[int, str, str]:
        monkeypatch.setattr(ServiceQuotas, "account", account)
        status = quotas.main(["-e", "dev"])
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return run


def test_enough_of_all_is_status_0(said) -> None:
    status, printed, _ = said({TRAINING: 4.0, PROCESSING: 20.0})
    assert status == 0
    assert [line.split()[-3:] for line in printed.splitlines()[1:]] == [
        ["4", "4", "TrainModel"],
        ["1", "20", "CreateManifests"],
    ]


def test_too_little_of_one_is_told_before_a_deployment_finds_it(said) -> None:
    status, printed, complained = said({TRAINING: 3.0, PROCESSING: 1.0})
    assert status == quotas.TOO_LITTLE
    assert "The account has too little of 1 of 2 quotas" in complained
    assert TRAINING in printed


def test_where_there_are_no_quotas_the_needs_are_told_all_the_same(said) -> None:
    status, printed, complained = said(None)
    assert status == 0
    assert "What the account has is not known" in complained
    assert [line.split()[-2] for line in printed.splitlines()[1:]] == ["?", "?"]


def test_an_environment_that_is_not_there_is_refused(capsys) -> None:
    assert quotas.main(["-e", "qa"]) == 1
    assert "There is no environment 'qa'" in capsys.readouterr().err
