"""One environment's synthesis against an empty app's, and its review against two, in turn."""

from __future__ import annotations

import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from benchmarks.harness import Row
from benchmarks.synth import projects

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
        empty = projects.empty(folders["empty"])
        ours = projects.ours(folders["shardwise"])
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
    return _seconds(lambda: projects.run(folder, "synth", "--quiet", *context))


def _review(folder: Path, *, forget: bool = True) -> float:
    if forget:
        for kept in (".cache", ".rehearsal"):
            shutil.rmtree(folder / kept, ignore_errors=True)
    return _seconds(lambda: projects.review(folder))


def _seconds(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
