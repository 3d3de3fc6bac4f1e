"""Decoding in processes that files may end."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from preprocessing import UnusableImage, decode
from preprocessing.isolated import IsolatedDecoder
from preprocessing.tests.hostile import png
from preprocessing.unusable import DecoderFault

MISBEHAVING = "preprocessing.tests.misbehaving:decode"


@pytest.fixture(scope="module")
def decoder():
    with IsolatedDecoder(2, decoder=MISBEHAVING, cpu_seconds=0.2, wall_seconds=1) as pool:
        yield pool


def said(results):
    """What a test compares: a picture's first value, or the exception's words."""
    return [r.flat[0] if isinstance(r, np.ndarray) else str(r) for r in results]


def open_files():
    return len(list(Path("/proc/self/fd").iterdir()))


def test_pixels_are_those_of_the_decoder_itself():
    data = png(9, 5)
    with IsolatedDecoder(1) as pool:
        assert (pool.decode(data, 16) == decode(data, 16)).all()
        assert pool.decode_all([], 16) == []


def test_a_refused_file_has_the_reason_and_the_kind_of_its_decoder(decoder):
    with pytest.raises(UnusableImage, match="is a test: é") as refused:
        decoder.decode(b"unusable", 4)
    assert refused.value.kind == "is a test"


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        (b"segfault", "crashes its decoder (SIGSEGV)"),
        (b"abort", "crashes its decoder (SIGABRT)"),
        (b"exit", "crashes its decoder (exit code 7)"),
        (b"kill", "crashes its decoder (SIGKILL, as the system does when memory is short)"),
        (b"memory", "takes its decoder more than 4096 MB of memory"),
        (b"spin", "takes its decoder more than 0.2 s of processor time or 1 s by the clock"),
        (b"sleep", "takes its decoder more than 0.2 s of processor time or 1 s by the clock"),
    ],
)
def test_a_file_that_ends_its_decoder_is_refused_and_the_others_have_their_pixels(
    decoder, file, reason
):
    assert said(decoder.decode_all([b"A", b"B", file, b"C"], 4)) == [65, 66, reason, 67]
    assert said(decoder.decode_all([b"D"], 4)) == [68]


def test_a_file_is_not_blamed_for_what_another_did_to_the_memory(decoder):
    results = decoder.decode_all([b"A", b"corrupt", b"B", b"C"], 4)
    assert said(results)[0::2] == [65, 66]
    assert said(results)[3] == 67
    assert said(results)[1] == "crashes its decoder (SIGABRT)"


@pytest.mark.parametrize(
    ("file", "words"), [(b"fault", "AssertionError: no palette"), (b"shape", "The decoder gave")]
)
def test_a_fault_of_the_program_is_no_reason_against_the_file(decoder, file, words):
    with pytest.raises(DecoderFault, match=words):
        decoder.decode(file, 4)
    first, fault, last = decoder.decode_all([b"A", file, b"B"], 4)
    assert isinstance(fault, DecoderFault)
    assert said([first, last]) == [65, 66]


def test_a_batch_of_any_length_keeps_its_order(decoder):
    files = [bytes([value % 90 + 1]) * (value * 37 % 5000 + 1) for value in range(700)]
    assert said(decoder.decode_all(files, 3)) == [value % 90 + 1 for value in range(700)]


def test_many_threads_share_a_few_children_whatever_the_files_do(decoder):
    files = [b"A", b"abort", b"B", b"unusable", b"C"] * 4
    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(lambda file: decoder.decode_all([file], 4), files))
    assert (
        said(r for (r,) in results)
        == [
            65,
            "crashes its decoder (SIGABRT)",
            66,
            "is a test: é",
            67,
        ]
        * 4
    )


def test_no_file_and_no_process_is_left(decoder):
    decoder.decode_all([b"abort", b"A"], 4)
    before = open_files()
    for _ in range(3):
        decoder.decode_all([b"abort", b"A"], 4)
    assert open_files() == before
    with IsolatedDecoder(2, decoder=MISBEHAVING) as other:
        other.decode(b"A", 4)
    assert open_files() == before


def test_a_decoder_that_cannot_start_is_no_fault_of_a_file():
    with IsolatedDecoder(1, decoder="preprocessing:nothing") as broken:
        with pytest.raises(RuntimeError, match=r"could not be started \(exit code 1\)"):
            broken.decode(b"A", 4)
        with pytest.raises(RuntimeError, match=r"could not be started"):
            broken.decode(b"A", 4)


def test_a_closed_decoder_refuses_at_once_and_ends_who_waits():
    pool = IsolatedDecoder(1, decoder=MISBEHAVING)
    pool.decode(b"A", 4)
    with ThreadPoolExecutor(2) as threads:
        waiting = [threads.submit(pool.decode, b"sleep", 4) for _ in range(2)]
        time.sleep(0.1)
        pool.close()
        for call in waiting:
            with pytest.raises(RuntimeError, match="closed"):
                call.result()
    pool.close()
    with pytest.raises(RuntimeError, match="closed"):
        pool.decode(b"A", 4)


def test_a_size_below_one_pixel_is_a_fault_of_the_caller(decoder):
    with pytest.raises(ValueError, match="1 pixel or more"):
        decoder.decode(b"A", 0)


def test_children_end_when_their_parent_is_killed():
    program = textwrap.dedent(
        f"""
        from preprocessing.isolated import IsolatedDecoder
        pool = IsolatedDecoder(2, decoder={MISBEHAVING!r})
        pool.decode(b"A", 4)
        print(*(worker._process.pid for worker in pool._all), flush=True)
        input()
        """
    )
    paths = os.pathsep.join(path for path in sys.path if path)
    with subprocess.Popen(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": paths},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        children = [int(pid) for pid in parent.stdout.readline().split()]
        assert all(Path(f"/proc/{pid}").exists() for pid in children)
        parent.send_signal(signal.SIGKILL)
    for pid in children:
        while Path(f"/proc/{pid}").exists() and is_running(pid):
            time.sleep(0.01)


def is_running(pid):
    """Not one that has ended and is kept for a parent that does not ask."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_signals_to_the_whole_group_spoil_no_file(decoder):
    with ThreadPoolExecutor(1) as threads:
        call = threads.submit(decoder.decode_all, [b"A"] * 2000, 4)
        for worker in decoder._all:
            os.kill(worker._process.pid, signal.SIGTERM)
            os.kill(worker._process.pid, signal.SIGINT)
        assert set(said(call.result())) == {65}


def test_it_works_where_nothing_can_be_written(monkeypatch):
    for name in ("TMPDIR", "TMP", "TEMP", "HOME"):
        monkeypatch.setenv(name, "/nonexistent")
    with IsolatedDecoder(1, decoder=MISBEHAVING) as pool:
        assert said(pool.decode_all([b"A"], 4)) == [65]
    assert threading.active_count() >= 1
