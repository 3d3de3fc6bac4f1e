"""A serving process that dies is replaced; one without its supervisor ends."""

import os
import signal
import time
from pathlib import Path

import httpx
import pytest

from inference.settings import available_cores

from .servers import Server, StartServer, picture


def workers(server: Server) -> list[int]:
    """Process ids of the supervisor's children."""
    pid = server.process.pid
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_after_the_death_of_the_worker_the_next_request_is_answered(
    start_server: StartServer, model_folder: Path, number: signal.Signals
) -> None:
    server = start_server(model_folder, INFERENCE_WORKERS="1")
    server.wait_until_ready()
    (first,) = workers(server)
    server.client.close()

    os.kill(first, number)

    # At once: it waits in the port's backlog for the next worker.
    with httpx.Client(base_url=server.client.base_url, timeout=60, trust_env=False) as client:
        answer = client.post(
            "/invocations", content=picture(), headers={"content-type": "image/png"}
        )
    assert answer.json()["label"] == "bright"
    assert workers(server) != [first]
    (said,) = [line for line in server.log_lines() if "is replaced" in str(line["message"])]
    assert said["exit_code"] == -number
    assert server.terminate() == 0


def test_several_workers_share_the_port_and_end_together(
    start_server: StartServer, model_folder: Path
) -> None:
    server = start_server(model_folder, INFERENCE_WORKERS="2", INFERENCE_THREADS="1")
    server.wait_until_ready()
    both = workers(server)

    assert len(both) == 2
    assert server.post(picture()).json()["label"] == "bright"
    assert server.terminate() == 0
    assert not any(is_alive(each) for each in both)


def test_a_worker_ends_with_its_supervisor(start_server: StartServer, model_folder: Path) -> None:
    server = start_server(model_folder)
    server.wait_until_ready()
    (worker,) = workers(server)

    server.process.kill()

    while is_alive(worker):
        time.sleep(0.05)


def test_cores_are_those_of_the_containers_quota(tmp_path: Path) -> None:
    placed = len(os.sched_getaffinity(0))
    assert available_cores(tmp_path) == placed
    (tmp_path / "cpu.max").write_text("max 100000\n")
    assert available_cores(tmp_path) == placed
    (tmp_path / "cpu.max").write_text("50000 100000\n")
    assert available_cores(tmp_path) == 1
    (tmp_path / "cpu.max").unlink()
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu/cpu.cfs_quota_us").write_text("-1\n")
    (tmp_path / "cpu/cpu.cfs_period_us").write_text("100000\n")
    assert available_cores(tmp_path) == placed
    (tmp_path / "cpu/cpu.cfs_quota_us").write_text("20000\n")
    assert available_cores(tmp_path) == 1
