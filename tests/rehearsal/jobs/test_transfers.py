"""What goes between hosts and AWS: so much at a time, and none of it ends unseen."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rehearsal import aws
from rehearsal.jobs.failure import Cancelled
from rehearsal.jobs.live_upload import LiveUpload
from rehearsal.jobs.transfer import in_parallel
from rehearsal.logs import LogWriter
from rehearsal.s3_uri import S3Uri
from rehearsal.settings import RehearsalSettings
from tests.rehearsal.images.support import ROLE, wait_until
from tests.rehearsal.jobs.support import keys, lines


def test_a_few_tasks_are_drawn_before_others_are_done() -> None:
    lock, done, most = threading.Lock(), 0, 0

    def task() -> None:
        nonlocal done
        with lock:
            done += 1

    def tasks() -> Iterator[Callable[[], None]]:
        nonlocal most
        for drawn in range(1000):
            with lock:
                most = max(most, drawn - done)
            yield task

    in_parallel(tasks(), threading.Event())

    assert done == 1000
    assert most <= 16


def test_what_one_task_raises_is_raised_and_few_others_begin() -> None:
    began = []

    def task(number: int) -> None:
        began.append(number)
        if number == 3:
            raise KeyError(number)

    with pytest.raises(KeyError, match="3"):
        in_parallel((lambda n=n: task(n) for n in range(1000)), threading.Event())

    assert len(began) <= 32


def test_nothing_begins_once_it_is_cancelled() -> None:
    cancelled, began = threading.Event(), []
    cancelled.set()

    with pytest.raises(Cancelled):
        in_parallel((lambda: began.append(1) for _ in range(10)), cancelled)

    assert began == []


class Gate(aws.Role):
    """A role whose clients are to be had once it is open."""

    def __init__(self, settings: RehearsalSettings) -> None:
        super().__init__(settings, ROLE, "gate")
        self.open = threading.Event()

    def client(self, service_name: str) -> Any:
        assert self.open.wait(60)
        return super().client(service_name)


def test_lines_that_cloudwatch_does_not_take_hold_their_writer_up_and_none_is_lost(
    settings: RehearsalSettings,
) -> None:
    gate, said = Gate(settings), [f"{number} {'x' * 2000}" for number in range(2000)]
    logs = LogWriter(settings, "/tests/held-up", gate)
    written = 0

    def write() -> None:
        nonlocal written
        for line in said:
            logs.write("stream", line)
            written += 1

    writer = threading.Thread(target=write)
    writer.start()
    wait_until(lambda: written >= 1000, "so many wait")
    writer.join(0.5)
    assert writer.is_alive()
    gate.open.set()
    writer.join()
    logs.close()
    logs.write("stream", "late")

    assert lines(settings, "/tests/held-up", "stream") == {"stream": said}


def test_a_fault_while_checkpoints_are_copied_does_not_end_the_copying(
    settings: RehearsalSettings, bucket: str, tmp_path: Path
) -> None:
    class Faulty:
        """S3, whose first upload fails as nobody expects."""

        def __init__(self) -> None:
            self.s3, self.failed = aws.client(settings, "s3"), False

        def upload_file(self, *given: Any, **more: Any) -> None:
            if not self.failed:
                self.failed = True
                raise KeyError("a fault of ours")
            self.s3.upload_file(*given, **more)

    folder = tmp_path / "checkpoints"
    folder.mkdir()
    place = S3Uri(bucket, "checkpoints")
    upload = LiveUpload({"algo-1": folder}, place, Faulty(), tmp_path / "spare")
    upload.start()
    (folder / "one").write_text("1")

    wait_until(lambda: keys(settings, bucket, "checkpoints/") != [], "it is copied", 20)
    upload.stop()
