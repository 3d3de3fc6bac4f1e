"""The first process of a container: `python -m rehearsal.images.runtime.container SPEC INDEX`.

Lays out the file system, starts the command, and ends as it ends; the kernel then ends whatever it
left behind. A line `stop` on stdin becomes SIGTERM for the command; end of file means that nobody
is there any more, and ends all at once.
"""

import contextlib
import os
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import NoReturn

from rehearsal.images.runtime import filesystem, spec

# What a shell, and `docker run`, end with.
_NOT_STARTED = 125
_NOT_FOUND = 127
_SIGNALLED = 128


def main(path: Path, index: int) -> NoReturn:
    """Runs one container of a group, and ends as its command does."""
    container = spec.read(path).containers[index]
    try:
        filesystem.assemble(Path(container.root), container.mounts)
        os.chroot(container.root)
        os.chdir(container.workdir)
        socket.sethostname(container.name)
    except OSError as error:
        print(f"The container's file system can't be put together: {error}.", file=sys.stderr)
        _end(_NOT_STARTED)
    child = os.fork()
    if child == 0:
        _execute(container)
    threading.Thread(target=_obey, args=(child,), daemon=True).start()
    _end(_reap(child))


def _execute(container: spec.Container) -> NoReturn:
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    try:
        os.execvpe(  # noqa: S606 - an image's entry point is a program, not a shell's line
            container.command[0], container.command, dict(container.environment)
        )
    except OSError as error:
        print(
            f"The command {container.command[0]!r} can't be run: {error.strerror}.", file=sys.stderr
        )
        _end(_NOT_FOUND)


def _obey(child: int) -> None:
    for line in sys.stdin:
        if line.strip() == "stop":
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGTERM)
    _end(_SIGNALLED + signal.SIGKILL)


def _reap(child: int) -> int:
    while True:
        ended, status = os.wait()
        if ended == child:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else _SIGNALLED - code


def _end(code: int) -> NoReturn:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
