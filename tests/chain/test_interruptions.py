"""Ctrl-C in the middle of a rehearsal leaves nothing running, and the next one works."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from rehearsal import lifecycle
from scripts.images.data_sets import write_digits

pytestmark = pytest.mark.chain

REPOSITORY = Path(__file__).resolve().parents[2]


def _processes_of(folder: Path) -> list[str]:
    """Command lines of all processes that were told of the folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            line = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            working_folder = str((process / "cwd").readlink())
        except OSError:
            continue
        if int(process.name) != os.getpid() and (
            str(folder) in line or working_folder.startswith(str(folder))
        ):
            found.append(line)
    return found


def _wait_for(log: Path, text: str, process: subprocess.Popen) -> None:
    end = time.monotonic() + 600
    while text not in log.read_text():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.1)


@pytest.mark.parametrize(
    "moment", ["Synthesise the stacks", "Deploy the stacks", "TrainModel: Exec"]
)
def test_ctrl_c_leaves_nothing_running_and_the_folder_usable(tmp_path, moment):
    images, folder, log = tmp_path / "images", tmp_path / "rehearsal", tmp_path / "log"
    write_digits(images, 0, 600)
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["./scripts/rehearse", "--data", str(images), "--folder", str(folder)],
            cwd=REPOSITORY,
            env={name: value for name, value in os.environ.items() if "AWS_" not in name},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    _wait_for(log, moment, process)
    # The first moments of a stage start processes; they must go too.
    time.sleep(1)

    os.killpg(process.pid, signal.SIGINT)

    assert process.wait(timeout=120) == 130, log.read_text()
    assert "Traceback" not in log.read_text()
    assert _processes_of(folder) == []
    lifecycle.start(folder / "aws")
    assert lifecycle.stop(folder / "aws")
