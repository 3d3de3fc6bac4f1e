"""Runs a tool that takes its time, passing its lines on as they come."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from rehearsal.images.errors import ImageError

Report = Callable[[str], object]

_LINES_SHOWN = 15
_SILENCE = 10.0


def run(
    command: Sequence[str], variables: Mapping[str, str], folder: Path, report: Report, failure: str
) -> None:
    """Runs `command` in `folder` with no other variables than `variables`.

    A tool that is silent for ten seconds is reported as still running.

    Raises:
        ImageError: it could not be started, or ended with another status than 0; says `failure` and
            its last lines.
    """
    name = Path(command[0]).name
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=dict(variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        raise ImageError(f"{name} can't be run, so {failure}: {error.strerror}.") from error
    try:
        last = _follow(process, name, report)
    except BaseException:
        # What the tool started (a compiler, say) ends with it.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise
    if process.wait() != 0:
        raise ImageError(f"{name} ended with status {process.returncode}, so {failure}:\n{last}")


def _follow(process: subprocess.Popen[str], name: str, report: Report) -> str:
    lines: queue.Queue[str | None] = queue.Queue()
    threading.Thread(target=_read, args=(process, lines), daemon=True).start()
    last: deque[str] = deque(maxlen=_LINES_SHOWN)
    silent = 0.0
    while True:
        try:
            line = lines.get(timeout=_SILENCE)
        except queue.Empty:
            silent += _SILENCE
            report(f"{name} is still running (silent for {silent:.0f} s) ...")
            continue
        if line is None:
            return "\n".join(last)
        silent = 0.0
        last.append(line)
        report(line)


def _read(process: subprocess.Popen[str], lines: queue.Queue[str | None]) -> None:
    assert process.stdout is not None  # noqa: S101 - narrows the type: it is a pipe
    for line in process.stdout:
        lines.put(line.rstrip())
    lines.put(None)
