"""Runs programs in turn, and tells their speeds as ratios."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

REPOSITORY = Path(__file__).resolve().parents[1]


class BenchmarkError(Exception):
    """A program failed; the message says which and why."""


@dataclass(frozen=True)
class Program:
    """A measured program: a module of `benchmarks`, its arguments, the Python that runs it.

    Attributes:
        core: the one that it may use; None for all.
    """

    python: Path
    module: str
    arguments: Sequence[object] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    core: int | None = None


@dataclass(frozen=True)
class Measurement:
    """Medians: seconds, and peak memory in MiB; count: how much was done."""

    seconds: float
    peak: float
    count: int


@dataclass(frozen=True)
class Row:
    """A line of the table. target: the least ratio that is wanted, None where there is none."""

    what: str
    ours: str
    theirs: str
    ratio: float | None
    target: float | None = None

    @property
    def missed(self) -> bool:
        return self.target is not None and (self.ratio or 0) < self.target

    @property
    def cells(self) -> tuple[str, ...]:
        wanted = "" if self.target is None else f"≥ {self.target:g}{', missed' * self.missed}"
        return self.what, self.ours, self.theirs, f"{self.ratio:.2f}" if self.ratio else "", wanted


HEADINGS = ("what", "ours", "beside it", "ratio", "target")


def start(program: Program) -> subprocess.Popen[bytes]:
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


def show(rows: Sequence[Row], console: Console) -> None:
    table = Table(*HEADINGS)
    for row in rows:
        table.add_row(*row.cells, style="red" if row.missed else None)
    console.print(table)


def keep(path: Path, part: str, command: str, rows: Sequence[Row], notes: Sequence[str]) -> None:
    """Writes the table into `path`, in place of that part's last."""
    begin, end = f"<!-- {part} -->\n", f"<!-- end of {part} -->\n"
    lines = [
        f"## {part.capitalize()}\n",
        f"`{command}`, {datetime.now(UTC):%Y-%m-%d}, {machine()}.\n",
        f"| {' | '.join(HEADINGS)} |",
        f"|{'---|' * len(HEADINGS)}",
        *(f"| {' | '.join(row.cells)} |" for row in rows),
        "",
        *notes,
        "",
    ]
    text = path.read_text(encoding="utf-8") if path.exists() else HEADER
    before, found, rest = text.partition(begin)
    after = rest.partition(end)[2] if found else ""
    path.write_text(f"{before}{begin}{chr(10).join(lines)}{end}{after}", encoding="utf-8")


HEADER = """# Benchmarks

Each table is written by the command above it. Ratios are of medians that were measured side by
side in one run: above 1 is better for ours. Programs run in turn, each in a process of its own;
imports are not timed.

"""


def machine() -> str:
    """The processor, its cores and Python, in words."""
    info = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    names = [line.partition(": ")[2] for line in info.splitlines() if line.startswith("model name")]
    cores = len(os.sched_getaffinity(0))
    processor = names[0] if names else platform.machine()
    return f"{processor}, {cores} cores, Python {platform.python_version()}"
