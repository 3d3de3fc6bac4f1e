"""`./scripts/test` runs all its parts, says whether one failed, and ends whole by Ctrl-C."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PARTS = {
    "chain": "tests/chain",
    "unit": "not chain",
    "style": "mypy app.py",
    "containers": "drops/tests",
}
TOOL = """#!/usr/bin/env bash
echo "$0 $*" >>"$CALLS"
case "$0 $*" in
  *rehearsal.images*) dirname "$(dirname "$0")" ;;
  *"$FAILS"*) exit 3 ;;
  *"$WAITS"*) sleep 60 ;;
esac
"""


@pytest.fixture
def checkout(tmp_path):
    """A checkout that is set up, with tools that only note how they were called."""
    shutil.copytree(REPOSITORY / "scripts", tmp_path / "scripts", ignore=lambda *_: {"__pycache__"})
    (tmp_path / "containers").mkdir()
    for image in ("processing", "training", "inference"):
        (tmp_path / "containers" / image).mkdir()
    (tmp_path / "containers" / "requirements-test.txt").touch()
    for tool in ("python", "uv", "ruff", "mypy"):
        path = tmp_path / ".venv" / "bin" / tool
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(TOOL)
        path.chmod(0o755)
    for pinned, folder in (("requirements.txt", ".venv"), ("package-lock.json", "node_modules")):
        (tmp_path / pinned).touch()
        (tmp_path / folder).mkdir(exist_ok=True)
        digest = hashlib.sha256(b"").hexdigest()[:16]
        (tmp_path / folder / f".made-from-{digest}").touch()
    return tmp_path


def start(checkout: Path, fails: str = "nothing", waits: str = "nothing") -> subprocess.Popen[str]:
    calls = {"CALLS": str(checkout / "calls"), "FAILS": fails, "WAITS": waits}
    return subprocess.Popen(
        [checkout / "scripts" / "test"],
        env=os.environ | calls,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def calls(checkout: Path) -> str:
    path = checkout / "calls"
    return path.read_text() if path.exists() else ""


def test_all_parts_run_and_pass(checkout):
    process = start(checkout)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output
    assert all(part in calls(checkout) for part in PARTS.values())


@pytest.mark.parametrize("part", PARTS)
def test_a_part_that_fails_is_told_and_hides_no_other(checkout, part):
    process = start(checkout, fails=PARTS[part])
    output, _ = process.communicate(timeout=60)
    assert process.returncode != 0, output
    assert all(part in calls(checkout) for part in PARTS.values())


@pytest.mark.parametrize("waiting", PARTS)
def test_ctrl_c_ends_all_parts(checkout, waiting):
    process = start(checkout, waits=PARTS[waiting])
    while not all(PARTS[part] in calls(checkout) for part in ("unit", "chain", waiting)):
        assert process.poll() is None
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 130
    assert str(checkout) not in subprocess.check_output(["ps", "-eo", "args"], text=True)
