"""Holds the port and keeps workers alive: one that dies is replaced at once.

New connections meanwhile wait in the port's backlog and are answered by the next one, so that of a
crash only the requests within the worker are lost.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

from inference.logs import log_line
from inference.settings import Settings

UNUSABLE = 1
"""What a worker ends with where another one would end likewise."""
# A worker that lived shorter than this is followed by a pause, so that one which dies at its start
# does not take the machine.
SHORT_LIFE_SECONDS = 5.0
LONGEST_PAUSE_SECONDS = 10.0
BACKLOG = 2048


class Supervisor:
    """Runs the workers in processes of their own, which inherit the listening socket."""

    def __init__(self, folder: Path, host: str, settings: Settings) -> None:
        """Listens on the port.

        Raises:
            OSError: the port cannot be listened on.
        """
        self._folder = folder
        self._settings = settings
        self._socket = socket.create_server((host, settings.port), backlog=BACKLOG)
        self._workers: dict[int, tuple[subprocess.Popen[bytes], float]] = {}
        self._stopping = False
        self._pause = 0.0

    def run(self) -> int:
        """Gives the exit status: 0 after TERM, or that of a worker that cannot serve."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        for _ in range(self._settings.workers):
            self._start()
        while self._workers:
            process, status = os.waitpid(-1, 0)
            if process not in self._workers:
                continue
            code = self._ended(process, status)
            if code is not None:
                return code
        return 0

    def _start(self) -> None:
        if self._is_stopping():
            return
        descriptor = self._socket.fileno()
        worker = subprocess.Popen(
            [
                *(sys.executable, "-m", "inference.worker"),
                *("--model", str(self._folder), "--socket", str(descriptor)),
                *("--supervisor", str(os.getpid())),
            ],
            pass_fds=[descriptor],
        )
        self._workers[worker.pid] = worker, time.monotonic()
        if self._is_stopping():
            # TERM came while it was made.
            worker.terminate()

    def _ended(self, process: int, status: int) -> int | None:
        """Replaces the worker, or gives the status to end with."""
        worker, started = self._workers.pop(process)
        # Popen must not wait for it again.
        worker.returncode = code = os.waitstatus_to_exitcode(status)
        if self._is_stopping():
            return None
        if code == UNUSABLE:
            self._end_workers()
            return code
        log_line("ERROR", "inference", "A worker ended and is replaced.", exit_code=code)
        self._rest(time.monotonic() - started)
        self._start()
        return None

    def _rest(self, lived: float) -> None:
        if lived > SHORT_LIFE_SECONDS:
            self._pause = 0.0
            return
        end = time.monotonic() + self._pause
        while not self._is_stopping() and time.monotonic() < end:
            time.sleep(0.05)
        self._pause = min(LONGEST_PAUSE_SECONDS, 2 * self._pause + 0.5)

    def _is_stopping(self) -> bool:
        """A call, as a signal may change the answer between any two lines."""
        return self._stopping

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True
        # From here on a connection is refused, not forgotten.
        self._socket.close()
        self._end_workers()

    def _end_workers(self) -> None:
        for worker, _ in list(self._workers.values()):
            worker.terminate()
