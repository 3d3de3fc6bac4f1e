"""How serving is measured: the load, the turns and the table, on servers that do nothing."""

import json
import math
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from benchmarks.harness.programs import BenchmarkError
from benchmarks.serving import kinds
from benchmarks.serving.kinds import BESIDE, KERAS, OTHERS, OURS, WITH_PILLOW, Answer
from benchmarks.serving.load import LoadResult, asked, closed, opened
from benchmarks.serving.measure import Latencies, Measured, Rates, alike
from benchmarks.serving.servers import Memory, memory, send, tree
from benchmarks.serving.table import notes, rows

CALLS = [kinds.raw(b"one"), kinds.raw(b"two")]


class Echo(BaseHTTPRequestHandler):
    """Answers with what it was sent; /broken with 500, /full with 503; /slow one by one, in 20 ms
    each.
    """

    protocol_version = "HTTP/1.1"
    turn = threading.Lock()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.path == "/slow":
            with self.turn:
                time.sleep(0.02)
        self.send_response({"/broken": 500, "/full": 503}.get(self.path, 200))
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture(scope="module")
def echo() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_each_call_gets_its_own_answer(echo: str) -> None:
    assert asked(f"{echo}/", CALLS) == [b"one", b"two"]


def test_clients_ask_until_the_time_is_over(echo: str) -> None:
    told = closed(f"{echo}/", CALLS, clients=3, seconds=0.2)

    assert len(told.seconds) >= 3
    assert told.elapsed >= 0.2
    assert told.rate == pytest.approx(len(told.seconds) / told.elapsed)


@pytest.mark.parametrize("evenly", [True, False])
def test_an_open_load_keeps_its_rate_whatever_the_answers(echo: str, evenly: bool) -> None:
    told = opened(f"{echo}/", CALLS, rate=100, seconds=0.5, evenly=evenly)

    assert len(told.seconds) == pytest.approx(50, abs=1 if evenly else 30)


def test_a_request_that_waits_counts_from_when_it_was_due(echo: str) -> None:
    told = opened(f"{echo}/slow", CALLS, rate=2000, seconds=0.005, evenly=True)

    assert len(told.seconds) == 10
    assert max(told.seconds) >= 9 * 0.02


def test_a_request_that_is_refused_is_infinitely_late(echo: str) -> None:
    told = opened(f"{echo}/full", CALLS, rate=100, seconds=0.02, evenly=True)

    assert told.percentile(0.5) == math.inf


def test_an_answer_that_is_no_success_ends_the_measurement(echo: str) -> None:
    with pytest.raises(BenchmarkError, match="answered 500: b'one'"):
        closed(f"{echo}/broken", CALLS, clients=1, seconds=1)


def test_percentiles_are_those_of_the_nearest_rank() -> None:
    told = LoadResult([float(number) for number in range(1, 101)], elapsed=50)

    assert told.rate == 2
    assert (told.percentile(0.5), told.percentile(0.99), told.percentile(1)) == (50, 99, 100)


def test_a_tree_of_processes_is_stopped_and_weighed_as_one() -> None:
    program = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'input()'])"
    parent = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE)
    try:
        while len(tree(parent.pid)) < 2:
            time.sleep(0.01)
        together, alone = memory(parent.pid), memory(tree(parent.pid)[1])
        assert together.resident > alone.resident > 0
        assert together.resident > together.proportional
    finally:
        family = tree(parent.pid)
        send(parent.pid, signal.SIGKILL)
        parent.wait()
    assert len(family) == 2


def test_one_class_and_like_probabilities_are_alike() -> None:
    ours = Answer("a", (0.7, 0.3))

    assert alike(ours, Answer("a", (0.7004, 0.2996)), 1e-3)
    assert not alike(ours, Answer("b", (0.7, 0.3)), 1e-3)
    assert not alike(ours, Answer("a", (0.69, 0.31)), 1e-3)
    assert alike(Answer("a", (0.52, 0.48)), Answer("b", (0.48, 0.52)), 0.1)


def test_a_server_is_understood_in_its_own_words() -> None:
    said = {"label": "b", "probabilities": {"a": 0.25, "b": 0.75}}
    tensors = [
        {"name": "labels", "data": ["b"]},
        {"name": "probabilities", "data": [0.25, 0.75]},
    ]
    wanted = Answer("b", (0.25, 0.75))

    assert kinds.read(json.dumps(said).encode()) == wanted
    assert kinds.read_first(json.dumps([said]).encode()) == wanted
    assert kinds.read_open_inference(json.dumps({"outputs": tensors}).encode()) == wanted


def measured(**missing: str) -> Measured:
    rates = Rates()
    for turn in (-1, 0, 1):
        rates.add("ours", 90 + turn)
        rates.add("bare 1", 80 + turn)
        rates.add("bare 8", 100 + turn)
        for kind in BESIDE:
            if kind.package not in missing:
                speed = {"Keras": 15, "LitServe": 60}.get(kind.name, 65)
                rates.add(kind.name, (40 if kind in WITH_PILLOW else speed) + turn)
    memory = {OURS.name: Memory(300 * 2**20, 200 * 2**20), KERAS.name: Memory(2**30, 2**30)}
    latencies = Latencies(single=0.010, evenly=0.020, at_random=0.040)
    why = {kind.name: missing[kind.package] for kind in BESIDE if kind.package in missing}
    return Measured(rates, latencies, {OURS.name: 2.5, KERAS.name: 9.0}, memory, why)


BARE = "decoding + bare forward pass, 8 at once, no HTTP"


def test_the_table_has_the_medians_their_ratios_and_what_was_missed() -> None:
    table = [row.cells[1:] for row in rows(measured())]

    assert table == [
        ("90 images/s", f"100 images/s, {BARE}", "0.90", "≥ 0.8"),
        ("90 images/s", "15 images/s, Keras' predict behind FastAPI", "6.00", "≥ 3"),
        ("90 images/s", "60 images/s, LitServe", "1.50", "≥ 1.5"),
        ("90 images/s", "65 images/s, MLServer", "1.38", "≥ 1.5, missed"),
        ("90 images/s", "65 images/s, BentoML", "1.38", "≥ 1.5, missed"),
        ("90 images/s", "40 images/s, LitServe, decoding with Pillow", "2.25", "≥ 1.5"),
        ("90 images/s", "40 images/s, MLServer, decoding with Pillow", "2.25", "≥ 1.5"),
        ("90 images/s", "40 images/s, BentoML, decoding with Pillow", "2.25", "≥ 1.5"),
        ("1.11 ms", "5.38 ms, MLServer", "4.85", ""),
        ("20.0 ms", "3 x 10.0 ms, a lone request's median", "1.50", "≥ 1"),
        ("40.0 ms", "3 x 10.0 ms, a lone request's median", "0.75", ""),
        ("2.5 s", "Keras 9.0 s", "", ""),
        ("200 (300) MiB", "Keras 1,024 (1,024) MiB", "", ""),
    ]


def test_a_server_that_cannot_be_had_is_named_with_the_reason() -> None:
    found = measured(bentoml="The requirements could not be installed.")

    assert "BentoML: missing" in [row.theirs for row in rows(found)]
    assert "BentoML is missing: The requirements could not be installed." in notes(found)


def test_without_any_other_server_ours_is_still_told() -> None:
    found = measured(litserve="No.", mlserver="No.", bentoml="No.")

    assert [row.ours for row in rows(found)][-2:] == ["2.5 s", "200 (300) MiB"]


def test_the_notes_name_each_version_that_is_pinned() -> None:
    told = "\n".join(notes(measured()))

    for kind in (KERAS, *OTHERS):
        assert kind.version != kind.name
        assert kind.version in told
