"""Runs the rehearsal: AWS on this machine, in this process."""

import fcntl
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rehearsal import ministack
from rehearsal.errors import StartError
from rehearsal.process_backends import Backends
from rehearsal.settings import HOST, LOCK, RehearsalSettings


def serve(
    settings: RehearsalSettings,
    *,
    enforce_iam: bool = False,
    backends: Backends | None = None,
) -> None:
    """Runs until SIGTERM or SIGINT, then ends all jobs and servers, keeps the state and ends this
    process.

    Raises:
        StartError: the port is taken, another server uses the state folder, or it holds what can't
            be taken up.
    """
    settings.state.mkdir(parents=True, exist_ok=True)
    with _only_server(settings.state), _listener(settings.port) as listener:
        ministack.configure(settings, enforce_iam=enforce_iam)
        from rehearsal import composition  # noqa: PLC0415 - it imports MiniStack: see there

        composition.run(settings, backends or Backends(), listener, enforce_iam=enforce_iam)
    # The state is written. What MiniStack still runs is not waited for: a custom resource whose
    # function never answers would hold this process for an hour.
    logging.shutdown()
    os._exit(0)


@contextmanager
def _only_server(state: Path) -> Iterator[None]:
    with (state / LOCK).open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StartError(
                f"A rehearsal already runs on {state}: stop it first, or give another --state."
            ) from error
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _listener(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        raise StartError(
            f"Port {port} of {HOST} can't be used ({error.strerror}): give another --port."
        ) from error
    return listener


def log_to_stderr() -> None:
    """One line an event, on stderr."""
    line = "%(asctime)s %(levelname)s [%(name)s] %(message)s"
    logging.basicConfig(format=line, level=logging.INFO, force=True)
    # A line a ping of each model server, and a line a request.
    logging.getLogger("httpx").setLevel(logging.WARNING)
