"""Measured programs: what each prints of itself, and how they are run in turn.

Needs nothing but Python, as the programs run in several environments and import it.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

REPOSITORY = Path(__file__).resolve().parents[2]


class BenchmarkError(Exception):
    """A program failed; the message says which and why."""


@dataclass(frozen=True)
class Program:
    """A measured program.

    Attributes:
        python: what runs it.
        module: of `benchmarks`; its first argument names one of its programs.
        core: the one that it may use; None for all.
    """

    python: Path
    module: str
    arguments: Sequence[object] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    core: int | None = None


@dataclass(frozen=True)
class Measurement:
    """Medians of several runs.

    Attributes:
        peak: memory in MiB.
        count: how much was done.
    """

    seconds: float
    peak: float
    count: int


def start(program: Program, stdin: int | None = None) -> subprocess.Popen[bytes]:
    """The process, on its core from its first instruction."""
    images = REPOSITORY / "containers"
    paths = [REPOSITORY, images / "processing", images / "training", images]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    line = [program.python, "-m", f"benchmarks.{program.module}", *program.arguments]
    pinned = [] if program.core is None else ["taskset", "-c", str(program.core)]
    return subprocess.Popen(
        [*pinned, *map(str, line)],
        cwd=REPOSITORY,
        env=environment | {"PYTHONPATH": os.pathsep.join(map(str, paths)), **program.variables},
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def result(process: subprocess.Popen[bytes]) -> dict[str, float]:
    """What it printed on its last line, as JSON.

    Raises:
        BenchmarkError: it failed.
    """
    output, errors = process.communicate()
    if process.returncode:
        raise BenchmarkError(f"{process.args!r} failed: {errors.decode()[-2000:]}")
    printed: dict[str, float] = json.loads(output.splitlines()[-1]) if output.strip() else {}
    return printed


def run(program: Program) -> dict[str, float]:
    """The `result` of a program that runs by itself."""
    return result(start(program))


def in_turn(
    groups: Mapping[str, Sequence[Program]], repetitions: int, console: Console
) -> dict[str, Measurement]:
    """Medians by name. The programs of a group run at once; the groups one after the other, again
    and again, so that what else the machine does falls on all of them.
    """
    found: dict[str, list[dict[str, float]]] = {name: [] for name in groups}
    for number in range(repetitions):
        for name, programs in groups.items():
            console.print(f"  {name}: {number + 1} of {repetitions}")
            results = [result(process) for process in [start(program) for program in programs]]
            found[name].append(
                {
                    "seconds": max(each["seconds"] for each in results),
                    "peak": sum(each["peak"] for each in results) / 1024,
                    "count": sum(each["count"] for each in results),
                }
            )
    return {name: _medians(results) for name, results in found.items()}


def _medians(results: Sequence[Mapping[str, float]]) -> Measurement:
    seconds, peak = (statistics.median(r[name] for r in results) for name in ("seconds", "peak"))
    return Measurement(seconds, peak, int(results[0]["count"]))


def main() -> None:
    """Runs the function of the started module that the first argument names, with the others."""
    name, *arguments = sys.argv[1:]
    getattr(sys.modules["__main__"], name)(*arguments)


@contextmanager
def measured(**facts: object) -> Iterator[dict[str, object]]:
    """Times a block, imports apart, and prints a line of JSON: seconds, peak and the facts, such as
    `count`, to which the block may add.

    The peak is the whole process' memory, in KiB, imports too.
    """
    started = time.perf_counter()
    yield facts
    seconds = time.perf_counter() - started
    # Not ru_maxrss, which begins with that of the parent process.
    peak = int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
    print(json.dumps({"seconds": seconds, "peak": peak, **facts}))
