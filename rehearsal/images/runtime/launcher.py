"""Starts a group of containers, and follows it from the engine."""

import contextlib
import json
import logging
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from rehearsal.images.runtime import namespaces, spec
from rehearsal.supervised import Failures

OnLine = Callable[[str, str], object]

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Ended:
    """How a group ended: each container's exit code by name, and the one that failed first.

    `lost` is the one whose instance was lost, if any. `broken` is a sentence where the group could
    not be started or was killed; `exit_codes` is empty then.
    """

    exit_codes: Mapping[str, int]
    first_failed: str | None
    lost: str | None = None
    broken: str | None = None


class Running:
    """A started group of containers."""

    def __init__(self, group: spec.Group, folder: Path, on_line: OnLine):
        """Starts `group`; `on_line(container name, line)` is called from a thread of its own. What
        it raises is logged and ends nothing.

        Args:
            folder: where the group's description is written; a relay's socket is named relative to
                it, as a socket's path may have no more than 107 bytes.

        Raises:
            NamespaceError: the machine gives no namespaces.
        """
        description = folder / "containers.json"
        spec.write(group, description)
        self._on_line = on_line
        self._ended: Ended | None = None
        self._lock = threading.Lock()
        # A file, not a pipe: nobody need read it while the containers run.
        self._errors: IO[str] = tempfile.TemporaryFile(  # noqa: SIM115 - closed at the end
            "w+", dir=folder, errors="replace"
        )
        self._process = subprocess.Popen(
            [
                *namespaces.group(group.private_network),
                *namespaces.module("rehearsal.images.runtime.supervisor", str(description)),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=namespaces.environment(),
            cwd=folder,
            text=True,
            # Ctrl-C in the engine's terminal is for the engine, which then stops us in order.
            start_new_session=True,
        )
        assert self._process.stdin and self._process.stdout  # noqa: S101 - narrows: both are pipes
        self._stdin, self._stdout = self._process.stdin, self._process.stdout
        self._reader = threading.Thread(target=self._follow, daemon=True)
        self._reader.start()

    def stop(self) -> None:
        """SIGTERM to every container, SIGKILL after the group's grace time."""
        with self._lock, contextlib.suppress(OSError, ValueError):
            self._stdin.write("stop\n")
            self._stdin.flush()

    def kill(self) -> None:
        """Ends everything at once."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGKILL)
        # A child that `unshare` has only just forked does not die with it: it reads its end here.
        self._close_stdin()

    def wait(self, timeout: float | None = None) -> Ended | None:
        """How the group ended, its last line handed on; None when `timeout` seconds were not
        enough.
        """
        self._reader.join(timeout)
        return self._ended

    def _close_stdin(self) -> None:
        with self._lock, contextlib.suppress(OSError):
            self._stdin.close()

    def _follow(self) -> None:
        try:
            last = self._read()
            status = self._process.wait()
            self._ended = last or Ended({}, None, broken=self._why(status))
        except Exception as error:  # noqa: BLE001 - the job must end, and say why
            # Nobody would read the pipe any more: the containers would wait for ever.
            _log.exception("A group of containers can't be followed any more")
            self.kill()
            self._process.wait()
            self._ended = Ended({}, None, broken=f"The containers can't be followed: {error!r}")
        finally:
            self._close_stdin()
            self._stdout.close()
            self._errors.close()

    def _read(self) -> Ended | None:
        last: Ended | None = None
        failures = Failures("The reader of a container's lines")
        for line in self._stdout:
            message: dict[str, Any] = json.loads(line)
            if "line" in message:
                with failures.watched():
                    self._on_line(message["name"], message["line"])
            else:
                last = Ended(**message)
        return last

    def _why(self, status: int) -> str:
        self._errors.seek(0)
        said = self._errors.read().strip().splitlines()
        if status < 0 and not said:
            return "The containers were killed."
        last = said[-1] if said else f"status {status}"
        return f"The containers could not be run: {last}"
