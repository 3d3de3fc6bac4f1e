"""How measurements become a table."""

import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks.harness.programs import BenchmarkError, Program, in_turn, run
from benchmarks.harness.table import Row, keep

FAST, SLOW = Row("fast", "1 s", "10 s", 10.0, 9), Row("slow", "1 s", "2 s", 2.0, 9)


def program(module: str, *arguments: str, **variables: str) -> Program:
    return Program(Path(sys.executable), module, arguments, variables=variables)


def test_a_missed_target_says_so() -> None:
    assert (FAST.missed, SLOW.missed) == (False, True)
    assert SLOW.cells == ("slow", "1 s", "2 s", "2.00", "≥ 9, missed")
    assert Row("told only", "1 s", "", None).cells[-2:] == ("", "")


@pytest.fixture
def page() -> Iterator[str]:
    """The URL of an S3 that lists three versions, once two programs have asked."""
    both = threading.Barrier(2)

    class Bucket(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            both.wait(30)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<Version>" * 3)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Bucket) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_programs_of_a_group_run_at_once_and_are_summed_up(page: str) -> None:
    reading = program("data.objects", "pages_unread", AWS_ENDPOINT_URL=page, NO_PROXY="127.0.0.1")
    found = in_turn({"both": [reading, reading]}, 2, Console(quiet=True))
    assert found["both"].count == 6
    assert found["both"].seconds > 0
    assert found["both"].peak > 2


def test_a_program_that_fails_is_named_with_its_error() -> None:
    with pytest.raises(BenchmarkError, match=r"data\.none.*No module named"):
        run(program("data.none"))


def test_a_part_replaces_its_own_table_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "benchmarks.md"
    keep(path, "data", "./scripts/bench data", [SLOW], ["A note."])
    keep(path, "other", "./scripts/bench other", [FAST], [])
    before = path.read_text()
    keep(path, "data", "./scripts/bench data", [FAST], ["A note."])
    after = path.read_text()
    assert "| slow |" in before
    assert "| slow |" not in after
    assert after.count("| fast |") == 2
    assert after.partition("<!-- other -->")[2] == before.partition("<!-- other -->")[2]
