"""What a user can put right, and how a job says why it failed."""

from __future__ import annotations

from pathlib import Path

LOST_PEERS = 75
"""Exit status of a worker that stopped only because Horovod lost another one."""


STOPPED = 143
"""Exit status of a process that was asked to stop and did, as a shell tells SIGTERM (128 + 15)."""


class UserError(Exception):
    """The message is one sentence: what is wrong, where, what to do."""


class Stopped(Exception):  # noqa: N818 - no error: somebody asked for it
    """The job was asked to stop."""


def operation(name: str) -> str:
    """The name of an operation of Horovod, such that its errors tell that they are Horovod's."""
    return f"Horovod_{name}"


def is_lost_peers(error: Exception) -> bool:
    """Once one worker is gone, Horovod's operations fail on all others.

    In a graph that is an error of TensorFlow, which names the operation.
    """
    names = {kind.__name__ for kind in type(error).__mro__}
    return "HorovodInternalError" in names or ("OpError" in names and "Horovod" in str(error))


def explain_failure(file: Path, text: str) -> None:
    """Writes why the job failed, unless another process of this host was first.

    SageMaker shows the first 1,024 characters of it as FailureReason.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        with file.open("x", encoding="utf-8") as failure:
            failure.write(text)
    except FileExistsError:
        return
