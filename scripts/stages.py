"""Tells a person which stage of a long command is on, and how long each took."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console


class Stages:
    """Announces each stage with its number and, at its end, its seconds.

    In a terminal the running stage shows a spinner; in a pipe every announcement is one plain line.

    Attributes:
        count: how many stages the command has.
    """

    def __init__(self, console: Console, count: int) -> None:
        self._console = console
        self._count = count
        self._number = 0

    @contextmanager
    def stage(self, title: str, *, quiet: bool = False) -> Iterator[None]:
        """Announces a stage and its end.

        Args:
            quiet: shows no spinner, for a stage that prints progress of its own.
        """
        self._number += 1
        heading = f"[{self._number}/{self._count}] {title}"
        began = time.monotonic()
        if self._console.is_terminal and not quiet:
            with self._console.status(heading, spinner="dots"):
                yield
        else:
            self._console.print(f"{heading} ...", markup=False, highlight=False)
            yield
        seconds = time.monotonic() - began
        self._console.print(f"{heading}: {seconds:.0f} s", markup=False, highlight=False)
