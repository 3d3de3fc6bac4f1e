"""Files that crash, hold up or confuse a decoder cost their own request and no other."""

import base64
import importlib.util
import json
import os
import random
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import httpx
import pytest

from .servers import CONTAINER, Server, StartServer, picture

_SPEC = importlib.util.spec_from_file_location(
    "hostile", CONTAINER.parent / "preprocessing/tests/hostile.py"
)
assert _SPEC and _SPEC.loader
hostile = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(hostile)

CORES = len(os.sched_getaffinity(0))
TYPES = {b"\xff\xd8": "image/jpeg", b"\x89P": "image/png", b"RI": "image/webp"}
# A long run is a matter of this.
MUTATIONS = int(os.environ.get("FUZZ_EXAMPLES", "200"))
# Behind the end of a PNG, where readers do not look and this preprocessing does.
CRASHES, HANGS, RAISES = (picture() + word for word in (b"crash", b"hang", b"raise"))
PREPROCESSING = """

import os as _os
_whole = preprocess


def preprocess(image, size):
    if image.endswith(b"crash"):
        _os.abort()
    if image.endswith(b"raise"):
        raise AssertionError("an odd file")
    while image.endswith(b"hang"):
        pass
    return _whole(image, size)
"""


def descendants(process: int) -> list[int]:
    found = []
    for children in Path(f"/proc/{process}/task").glob("*/children"):
        for child in map(int, children.read_text().split()):
            found += [child, *descendants(child)]
    return found


def workers(server: Server) -> list[int]:
    return [int(pid) for pid in _children(server.process.pid)]


def _children(process: int) -> list[str]:
    return Path(f"/proc/{process}/task/{process}/children").read_text().split()


def exists(process: int) -> bool:
    """Dead ones that nobody has waited for do not count."""
    try:
        return " Z " not in Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return False


@contextmanager
def attacked(server: Server, files: list[bytes]) -> Iterator[list[int]]:
    """As many clients as files send theirs again and again; gives what they were answered."""
    statuses: list[int] = []
    ended = Event()

    def attack(file: bytes) -> None:
        with httpx.Client(base_url=server.client.base_url, timeout=60, trust_env=False) as client:
            while not ended.is_set():
                headers = {"content-type": TYPES[file[:2]]}
                statuses.append(
                    client.post("/invocations", content=file, headers=headers).status_code
                )

    with ThreadPoolExecutor(len(files)) as threads:
        attacks = [threads.submit(attack, file) for file in files]
        try:
            yield statuses
        finally:
            ended.set()
        for each in attacks:
            each.result()


@pytest.fixture(scope="module")
def fragile(
    start_server: StartServer, model_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Server:
    """A server whose own preprocessing crashes, hangs and raises where a file says so."""
    program = tmp_path_factory.mktemp("program")
    shutil.copytree(CONTAINER / "inference", program / "inference")
    with (program / "inference/processing.py").open("a") as file:
        file.write(PREPROCESSING)
    server = start_server(
        model_folder, program=program, INFERENCE_WORKERS="1", INFERENCE_DECODING_SECONDS="0.5"
    )
    server.wait_until_ready()
    return server


@pytest.mark.parametrize(
    ("file", "said"),
    [
        (CRASHES, "The image crashes its decoder (SIGABRT)."),
        (HANGS, "more than 0.5 s of processor time"),
        (RAISES, "The image cannot be decoded: the server's log says why."),
    ],
)
def test_what_a_file_does_to_its_decoder_is_its_own_clients_error(
    fragile: Server, file: bytes, said: str
) -> None:
    before = workers(fragile)

    answer = fragile.post(file)

    assert answer.status_code == 400
    assert said in answer.json()["error"]
    assert workers(fragile) == before
    assert fragile.post(picture(0)).json()["label"] == "dark"


def test_an_exception_out_of_preprocessing_is_in_the_log(fragile: Server) -> None:
    fragile.post(RAISES)

    said = [line for line in fragile.log_lines() if line["message"] == "not decoded"]
    assert "AssertionError: an odd file" in str(said[-1]["exception"])


def test_requests_beside_a_file_that_crashes_are_answered(fragile: Server) -> None:
    with attacked(fragile, [CRASHES, RAISES]) as statuses:
        answers = [fragile.post(picture(255 * (number % 2))) for number in range(50)]
    labels = [answer.json()["label"] for answer in answers]

    assert labels == ["dark", "bright"] * 25
    assert set(statuses) == {400}


def test_crashes_leave_no_descriptor_and_no_process_behind(fragile: Server) -> None:
    (worker,) = workers(fragile)

    def descriptors() -> int:
        return len(list(Path(f"/proc/{worker}/fd").iterdir()))

    fragile.post(CRASHES)
    before = descriptors()
    for _ in range(20):
        fragile.post(CRASHES)

    assert descriptors() == before
    # One that decodes, and one that makes it: of each core, and on the side.
    assert len(descendants(worker)) <= 2 * (CORES + 1)


def test_decoders_end_with_the_worker_that_is_killed(
    start_server: StartServer, model_folder: Path
) -> None:
    server = start_server(model_folder, INFERENCE_WORKERS="1", INFERENCE_THREADS="2")
    server.wait_until_ready()
    (worker,) = workers(server)
    decoders = descendants(worker)

    assert len(decoders) >= 3
    os.kill(worker, signal.SIGKILL)
    while any(exists(decoder) for decoder in decoders):
        time.sleep(0.01)
    server.wait_until_ready()
    assert server.post(picture(0)).json()["label"] == "dark"


def test_decoders_end_with_a_server_that_is_told_to(
    start_server: StartServer, model_folder: Path
) -> None:
    server = start_server(model_folder)
    server.wait_until_ready()
    processes = descendants(server.process.pid)

    assert server.terminate() == 0
    while any(exists(process) for process in processes):
        time.sleep(0.01)


@pytest.mark.parametrize(
    "make",
    [
        lambda: hostile.scans_jpeg(20_000, 2_000, 2_000),
        lambda: hostile.lossless_jpeg(1_000, 1_000),
        lambda: hostile.png_bomb(5_000, 5_000),
        lambda: hostile.png(after=hostile.chunk(b"tEXt") * 400_000),
    ],
    ids=["scans", "lossless", "bomb", "chunks"],
)
def test_ordinary_requests_beside_hostile_files_are_answered_before_their_deadline(
    start_server: StartServer, model_folder: Path, make: Callable[[], bytes]
) -> None:
    server = start_server(model_folder, INFERENCE_REQUEST_SECONDS="15")
    server.wait_until_ready()
    with attacked(server, [make()] * (2 * CORES)) as statuses:
        answers = [server.post(picture(255 * (number % 2))) for number in range(10)]
        while len(statuses) < 2 * CORES:
            time.sleep(0.01)

    # One that is late is no 200.
    assert [answer.status_code for answer in answers] == [200] * 10
    assert set(statuses) <= {200, 400, 429}
    server.terminate()


def test_a_request_of_many_large_files_has_one_files_time(
    start_server: StartServer, model_folder: Path
) -> None:
    server = start_server(model_folder, INFERENCE_DECODING_SECONDS="0.5")
    server.wait_until_ready()
    bomb = base64.b64encode(hostile.png_bomb(4_000, 4_000)).decode()

    answer = server.post(json.dumps({"images": [bomb] * 60}).encode(), "application/json")

    assert answer.status_code == 400
    assert "send fewer or smaller ones in a request" in answer.json()["error"]


def mutated(file: bytes, numbers: random.Random) -> bytes:
    content = bytearray(file[: numbers.choice([len(file), numbers.randint(4, len(file))])])
    for _ in range(numbers.randint(0, 6)):
        # More often in the head, where what decoders trust stands.
        place = numbers.randrange(2, min(len(content), numbers.choice([64, 600, len(content)])))
        content[place] = numbers.choice([0, 1, 255, numbers.randrange(256)])
    return bytes(content)


def test_no_bytes_of_a_file_are_a_server_error(server: Server) -> None:
    numbers = random.Random(14)
    files = [file for file in hostile.HOSTILE.values() if file[:2] in TYPES]
    small = [file for file in files if len(file) < 100_000]
    before = workers(server)
    sent = files + [mutated(numbers.choice(small), numbers) for _ in range(MUTATIONS)]

    for number, file in enumerate(sent):
        status = server.post(file, TYPES[file[:2]]).status_code
        assert status in (200, 400), f"{number}: {file[:300]!r}"

    assert workers(server) == before
