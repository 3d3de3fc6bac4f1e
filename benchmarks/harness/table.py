"""Tables of measurements: shown, and kept in docs/benchmarks.md."""

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table


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
        """Whether the ratio is below its target."""
        return self.target is not None and (self.ratio or 0) < self.target

    @property
    def cells(self) -> tuple[str, ...]:
        """The line as text, a cell a heading."""
        wanted = "" if self.target is None else f"≥ {self.target:g}{', missed' * self.missed}"
        return self.what, self.ours, self.theirs, f"{self.ratio:.2f}" if self.ratio else "", wanted


HEADINGS = ("what", "ours", "beside it", "ratio", "target")


def show(rows: Sequence[Row], console: Console) -> None:
    """Prints the table; what missed its target is red."""
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
