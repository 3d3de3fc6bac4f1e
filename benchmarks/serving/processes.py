"""A process and those that it started, as /proc shows them."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True)
class Memory:
    """Bytes of a process tree.

    Attributes:
        resident: what each process holds, shared pages counted in each.
        proportional: shared pages divided among those that share them.
    """

    resident: int
    proportional: int


def tree(process: int) -> list[int]:
    """The process and all below it, those above first."""
    found = [process]
    for children in sorted(PROC.glob(f"{process}/task/*/children")):
        with suppress(OSError):
            for child in children.read_text().split():
                found += tree(int(child))
    return found


def send(process: int, number: signal.Signals) -> None:
    """A signal to the process and all below it."""
    for each in tree(process):
        with suppress(ProcessLookupError):
            os.kill(each, number)


def memory(process: int) -> Memory:
    """Of the process and all below it.

    https://docs.kernel.org/filesystems/proc.html (smaps_rollup)
    """
    resident = proportional = 0
    for each in tree(process):
        with suppress(OSError):
            for line in (PROC / str(each) / "smaps_rollup").read_text().splitlines():
                name, _, value = line.partition(":")
                if name == "Rss":
                    resident += int(value.split()[0]) * 1024
                elif name == "Pss":
                    proportional += int(value.split()[0]) * 1024
    return Memory(resident, proportional)
