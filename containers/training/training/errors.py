"""What a user can put right, and how a job says why it failed."""

from __future__ import annotations

from pathlib import Path


class UserError(Exception):
    """The message is one sentence: what is wrong, where, what to do."""


def explain_failure(file: Path, text: str) -> None:
    """Writes why the job failed, unless another worker of this host was first.

    SageMaker shows the first 1,024 characters of it as FailureReason.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        with file.open("x", encoding="utf-8") as failure:
            failure.write(text)
    except FileExistsError:
        return
