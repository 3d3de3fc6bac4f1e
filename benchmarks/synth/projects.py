"""Copies to synthesise in, so that what is kept in the checkout stays as it is."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from benchmarks.harness import REPOSITORY, BenchmarkError

CLI = REPOSITORY / "node_modules" / ".bin" / "cdk"
PYTHON = REPOSITORY / ".venv" / "bin" / "python"
_NEEDED = ("app.py", "cdk.json", "infra", "containers")


def ours(folder: Path) -> Path:
    """What a synthesis of this project reads."""
    for name in _NEEDED:
        source = REPOSITORY / name
        copy = shutil.copytree if source.is_dir() else shutil.copy2
        copy(source, folder / name)
    (folder / ".venv").symlink_to(REPOSITORY / ".venv")
    return folder


def empty(folder: Path) -> Path:
    """What `cdk init` writes for Python, with this checkout's Python."""
    run(folder, "init", "app", "--language", "python", "--generate-only")
    return folder


def run(folder: Path, *words: str) -> None:
    """Runs the CDK CLI in a folder.

    :raises BenchmarkError: it failed.
    """
    # Python keeps what it compiled of an empty app too.
    variables = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        [str(CLI), *words, "--no-notices"],
        cwd=folder,
        env=variables | {"PATH": f"{PYTHON.parent}:{variables['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BenchmarkError(f"cdk {' '.join(words)} failed in {folder}: {done.stderr[-2000:]}")
