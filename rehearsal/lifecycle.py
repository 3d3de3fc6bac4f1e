"""Starts and stops a rehearsal's server in the background."""

import contextlib
import fcntl
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from rehearsal.modes import Modes
from rehearsal.settings import ANNOUNCEMENT, HOST, LOCK, default_cache

_REPOSITORY = Path(__file__).resolve().parents[1]
_START_SECONDS = 60.0
_STOP_SECONDS = 180.0  # A job has 120 s to end by itself after SIGTERM.
_POLL_SECONDS = 0.05


class LifecycleError(Exception):
    """A server did not start or stop: one sentence, what is wrong and what to do."""


def start(
    state: Path,
    *,
    cache: Path | None = None,
    port: int | None = None,
    enforce_iam: bool = True,
    modes: Modes | None = None,
) -> dict[str, str]:
    """Starts a server on a state folder, waits until it answers, and returns its `variables`.

    Args:
        port: by default the one that this folder had before, as its resources' URLs name it, or a
            free one.

    Raises:
        LifecycleError: one runs already, or it ends before it answers.
    """
    state = state.resolve()
    if is_running(state):
        raise LifecycleError(
            f"A rehearsal already runs on {state}: stop it first (./scripts/local-aws stop)."
        )
    state.mkdir(parents=True, exist_ok=True)
    log = state / "rehearsal.log"
    flags = [*([] if enforce_iam else ["--no-enforce-iam"]), *(modes or Modes()).flags()]
    command = [
        *(sys.executable, "-P", "-m", "rehearsal", "--state", str(state)),
        *("--cache", str((cache or default_cache()).resolve())),
        *("--port", str(port or _port(state)), "serve", *flags),
    ]
    process = _spawn(command, state, log)
    try:
        return _when_ready(state, process, log)
    except BaseException:
        process.terminate()
        process.wait()
        raise


def _spawn(command: list[str], folder: Path, log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(_REPOSITORY)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            # Ctrl-C in the terminal is for the command that runs there.
            start_new_session=True,
        )


def stop(state: Path) -> bool:
    """Ends the server of a state folder, and all that it runs; says whether one ran.

    Raises:
        LifecycleError: it does not end.
    """
    pid = running_pid(state)
    if pid is None:
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    ends = time.monotonic() + _STOP_SECONDS
    while running_pid(state) is not None:
        if time.monotonic() > ends:
            raise LifecycleError(
                f"The rehearsal on {state} (process {pid}) has not ended after "
                f"{_STOP_SECONDS:.0f} s: see {state / 'rehearsal.log'}."
            )
        # Where we are its parent, it stays as a zombie until somebody asks for its status.
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
        time.sleep(_POLL_SECONDS)
    return True


def is_running(state: Path) -> bool:
    """Whether a server uses the state folder now."""
    return running_pid(state) is not None


def running_pid(state: Path) -> int | None:
    """The server's process id; None where none runs.

    A server holds a lock on its folder while it lives, so a stale file misleads nobody, and no
    other process that has got the same id is ever taken for it.
    """
    try:
        with (state / LOCK).open("r") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                return int(lock.read() or 0) or None
            return None
    except FileNotFoundError:
        return None


def variables(state: Path, cache: Path | None = None) -> dict[str, str]:
    """Environment variables that lead clients, the CDK CLI and its image builds to the server.

    Raises:
        LifecycleError: none runs, or its announcement is damaged.
    """
    state = state.resolve()
    if not is_running(state):
        raise LifecycleError(
            f"No rehearsal runs on {state}: start one (./scripts/local-aws start)."
        )
    found = _announced(state)
    if found is None:
        raise LifecycleError(
            f"{state / ANNOUNCEMENT} cannot be read: the rehearsal starts or ends just now, so try "
            "again, or stop it and start it again."
        )
    led = {name: str(value) for name, value in found.items() if name.startswith("AWS_")}
    return led | {
        "REHEARSAL_STATE": str(state),
        "REHEARSAL_CACHE": str((cache or Path(found["cache"])).resolve()),
        "CDK_DOCKER": str(_REPOSITORY / "rehearsal" / "images" / "docker"),
    }


def exports(led: dict[str, str]) -> str:
    """The variables as lines for a shell to evaluate."""
    lines = [f"export {name}={shlex.quote(value)}" for name, value in led.items()]
    # Some SDKs take a profile's credentials before those of the environment.
    return "\n".join([*lines, "unset AWS_PROFILE AWS_SESSION_TOKEN"])


def _when_ready(state: Path, process: subprocess.Popen[bytes], log: Path) -> dict[str, str]:
    ends = time.monotonic() + _START_SECONDS
    while time.monotonic() < ends:
        if process.poll() is not None:
            lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
            raise LifecycleError(f"The rehearsal did not start: {(lines or [f'see {log}.'])[-1]}")
        found = _announced(state)
        if found is not None and found["pid"] == process.pid:
            return variables(state)
        time.sleep(_POLL_SECONDS)
    raise LifecycleError(f"The rehearsal does not answer after {_START_SECONDS:.0f} s: see {log}.")


def _announced(state: Path) -> dict[str, Any] | None:
    try:
        content: dict[str, Any] = json.loads((state / ANNOUNCEMENT).read_bytes())
    except (OSError, ValueError):
        return None
    return content


def _port(state: Path) -> int:
    with contextlib.suppress(OSError, ValueError):
        return _bind(int((state / "port").read_text(encoding="ascii")))
    return _bind(0)


def _bind(port: int) -> int:
    """Tries whether a port is free; 0 is any that is."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((HOST, port))
        return int(probe.getsockname()[1])
