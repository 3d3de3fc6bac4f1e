"""How a command speaks: live in a terminal, plain lines in a pipe, errors as one sentence."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
)
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from functions.reporter.messages import one_line
from rehearsal.lifecycle import LifecycleError

INTERRUPTED = 130
STATUS_COLOURS = {
    "Succeeded": "green",
    "Failed": "bold red",
    "Executing": "cyan",
    "Stopped": "yellow",
    "Unused": "bold red",
}
PLAIN_LINES = 10  # lines that a progress bar becomes in a pipe


class CommandError(Exception):
    """A command cannot go on; the message is one sentence: what is wrong, where, what to do."""


def run(work: Callable[[Console], int]) -> int:
    """Runs a command and gives its exit status.

    1 after one sentence on stderr where it fails, 130 on Ctrl-C after the interrupt's sentence.
    """
    try:
        return work(console())
    except KeyboardInterrupt as interrupt:
        return complain(str(interrupt) or "Interrupted.", INTERRUPTED)
    except BrokenPipeError:
        # The pipe's reader went away, and Python flushes stdout once more at its end: a sink.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (CommandError, LifecycleError) as error:
        return complain(str(error))
    except (BotoCoreError, ClientError) as error:
        return complain(explain(error))


def console(*, stderr: bool = False) -> Console:
    """A console that prints names from outside as they are."""
    return Console(stderr=stderr, markup=False, emoji=False, highlight=False, soft_wrap=True)


def complain(sentence: str, status: int = 1) -> int:
    """Says on stderr what is wrong; gives the exit status."""
    warn(sentence, "bold red")
    return status


def warn(sentence: str, style: str = "yellow") -> None:
    """Says on stderr what may go wrong."""
    # A name that was not escaped on its way here can't give orders to a terminal.
    lines = "\n".join(map(one_line, sentence.split("\n")))
    console(stderr=True).print(lines, style=style)


def explain(error: BotoCoreError | ClientError) -> str:
    """One sentence for what boto3 raised."""
    if isinstance(error, ClientError):
        said = error.response.get("Error", {})
        message = one_line(str(said.get("Message"))).rstrip(".")
        return f"AWS refused {error.operation_name}: {message} ({said.get('Code')})."
    if isinstance(error, EndpointConnectionError):
        return (
            f"Nothing answers at {error.kwargs['endpoint_url']}: "
            "start the rehearsal (./scripts/local-aws start) or unset AWS_ENDPOINT_URL for AWS."
        )
    if isinstance(error, NoCredentialsError | NoRegionError):
        return (
            "No AWS credentials or region are set and no rehearsal of this checkout runs: "
            "start one (./scripts/local-aws start), or set AWS_PROFILE and AWS_REGION."
        )
    return f"A call to AWS failed: {error}"


def shown(name: Path | str) -> str:
    """A name from outside as text of one line, whatever its bytes: of a file, class, drop, key."""
    return one_line(os.fsencode(name).decode("utf-8", "backslashreplace"))


def counted(number: int, one: str, more: str = "") -> str:
    """`1 class`, `2 classes`; `more` is `one` with an s unless it is given."""
    return f"{number} {one if number == 1 else more or f'{one}s'}"


@contextmanager
def progress(console: Console, title: str, total: int) -> Iterator[Callable[[], None]]:
    """Shows how many of `total` are done; gives the function to call after each.

    In a pipe it prints PLAIN_LINES lines in all. The function may be called from one thread only.
    """
    if console.is_terminal:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, TimeRemainingColumn(), console=console) as bar:
            task = bar.add_task(title, total=total)
            yield lambda: bar.advance(task)
        return

    done = 0

    def advance() -> None:
        nonlocal done
        done += 1
        if done * PLAIN_LINES // total > (done - 1) * PLAIN_LINES // total:
            console.print(f"{title}: {done} of {total}")

    yield advance


class Stages:
    """Announces each stage with its number and, at its end, its seconds.

    In a terminal the running stage shows a spinner; in a pipe every announcement is one plain line.
    """

    def __init__(self, console: Console, count: int) -> None:
        self._console = console
        self._count = count
        self._number = 0

    @contextmanager
    def stage(self, title: str, *, quiet: bool = False) -> Iterator[None]:
        """Announces a stage and its end; `quiet` is for one that prints progress of its own."""
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
