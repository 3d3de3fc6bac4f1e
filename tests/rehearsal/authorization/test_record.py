"""What was authorised is on record, whole and in order."""

from __future__ import annotations

import gzip
import io
import itertools
import threading
from pathlib import Path
from typing import IO, Any

import pytest

from rehearsal.authorization.record import FOLDER, Record, Request, read

SESSION = "arn:aws:sts::000000000000:assumed-role/starter/session"


def _request(number: int) -> Request:
    return Request(
        time="2026-11-25T00:00:00.000+00:00",
        principal=SESSION,
        action="s3:GetObject",
        resource=f"arn:aws:s3:::bucket/{number}",
        is_allowed=number % 2 == 0,
        context={"s3:prefix": "drops/"},
    )


def test_requests_come_back_as_they_were_in_their_order_across_packed_files(tmp_path: Path) -> None:
    record = Record(tmp_path, most_bytes=1000)
    requests = [_request(number) for number in range(50)]
    for request in requests:
        record.add(request)
    assert len(list((tmp_path / FOLDER).glob("*.gz"))) > 3
    assert list(read(tmp_path)) == requests


def test_a_record_goes_on_where_the_last_server_left_it(tmp_path: Path) -> None:
    for number in range(3):
        Record(tmp_path).add(_request(number))
    assert [request.resource[-1] for request in read(tmp_path)] == ["0", "1", "2"]


def test_a_line_that_is_being_written_is_left_out(tmp_path: Path) -> None:
    Record(tmp_path).add(_request(0))
    with (tmp_path / FOLDER / "current.jsonl").open("a") as file:
        file.write('{"time": "2026')
    assert list(read(tmp_path)) == [_request(0)]


def test_a_session_is_of_its_role_and_a_user_of_none() -> None:
    assert _request(0).role == "starter"
    user = Request("", "arn:aws:iam::000000000000:user/anna", "s3:ListBucket", "*", True)
    assert user.role is None


def test_what_a_kill_left_between_full_and_packed_is_read_once(tmp_path: Path) -> None:
    record = Record(tmp_path, most_bytes=1000)
    requests = [_request(number) for number in range(50)]
    for request in requests:
        record.add(request)
    folder = tmp_path / FOLDER
    packed = max(folder.glob("*.gz"))
    full = folder / packed.name.removesuffix(".gz")
    full.write_bytes(gzip.decompress(packed.read_bytes()))
    assert list(read(tmp_path)) == requests  # killed before the full one was removed
    packed.rename(packed.with_suffix(".new"))
    packed.with_suffix(".new").write_bytes(b"half a fi")
    assert list(read(tmp_path)) == requests  # killed while it was packed
    Record(tmp_path).add(_request(50))
    assert list(read(tmp_path)) == [*requests, _request(50)]
    assert not full.exists()


def test_what_comes_after_the_end_was_read_is_for_the_next_reader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = Record(tmp_path, most_bytes=500)
    requests = [_request(number) for number in range(10)]
    coming = iter(requests)
    record.add(next(coming))
    path_open = Path.open

    class Read(io.TextIOWrapper):
        def close(self) -> None:
            for request in itertools.islice(coming, 4):
                record.add(request)
            super().close()

    def opened(path: Path, mode: str = "r", **options: Any) -> IO[Any]:
        return Read(path_open(path, "rb")) if mode == "r" else path_open(path, mode, **options)

    monkeypatch.setattr(Path, "open", opened)
    found = list(read(tmp_path))
    assert found == requests[: len(found)]


def test_who_reads_while_files_are_packed_misses_nothing(tmp_path: Path) -> None:
    record = Record(tmp_path, most_bytes=500)
    requests = [_request(number) for number in range(400)]
    adding = threading.Thread(target=lambda: [record.add(request) for request in requests])
    adding.start()
    while adding.is_alive():
        found = list(read(tmp_path))
        assert found == requests[: len(found)]
    adding.join()
    assert list(read(tmp_path)) == requests
