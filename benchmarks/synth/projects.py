"""Copies to synthesise in, so that what is kept in the checkout stays as it is."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from benchmarks.harness import REPOSITORY, BenchmarkError
from infra import NODE

CLI = REPOSITORY / "node_modules" / ".bin" / "cdk"
PYTHON = REPOSITORY / ".venv" / "bin" / "python"


def ours(folder: Path) -> Path:
    """A copy of the working tree, committed."""
    for name in _git(REPOSITORY, "ls-files", "-co", "--exclude-standard").splitlines():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(REPOSITORY / name, folder / name)
    _git(folder, "init", "--quiet")
    _git(folder, "add", "--all")
    someone = ("-c", "user.name=benchmark", "-c", "user.email=benchmark@localhost")
    _git(folder, *someone, "commit", "--quiet", "--message", "As it is")
    for name in (".venv", "node_modules"):
        (folder / name).symlink_to(REPOSITORY / name)
    return folder


def empty(folder: Path) -> Path:
    """What `cdk init` writes for Python, with this checkout's Python."""
    run(folder, "init", "app", "--language", "python", "--generate-only")
    return folder


def run(folder: Path, *words: str) -> None:
    """Runs the CDK CLI in a folder.

    Raises:
        BenchmarkError: it failed.
    """
    # Python keeps what it compiled of an empty app too.
    variables = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        [str(NODE), str(CLI), *words, "--no-notices"],
        cwd=folder,
        env=variables | {"PATH": f"{PYTHON.parent}:{variables['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BenchmarkError(f"cdk {' '.join(words)} failed in {folder}: {done.stderr[-2000:]}")


def review(folder: Path) -> None:
    """Reviews a copy of this project against its commit.

    Raises:
        BenchmarkError: it failed.
    """
    done = subprocess.run(
        [str(PYTHON), "-P", "-m", "scripts.commands.review", "HEAD", "--env", "dev"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BenchmarkError(f"The review failed: {done.stdout[-1000:]}{done.stderr[-1000:]}")


def _git(folder: Path, *words: str) -> str:
    return subprocess.run(
        ["git", *words], cwd=folder, capture_output=True, text=True, check=True
    ).stdout
