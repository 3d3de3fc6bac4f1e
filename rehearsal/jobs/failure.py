"""Why a job failed, or ended before it was done."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager


class JobFailure(Exception):  # noqa: N818 - AWS's word: FailureReason
    """One sentence, which becomes the job's FailureReason."""


class Cancelled(Exception):  # noqa: N818 - no error: it was asked for
    """The job was stopped, or closed, before it was done."""


@contextmanager
def disk_errors(doing: str) -> Iterator[None]:
    """Turns an error of the disk while `doing` ("downloading the input train") into a sentence.

    Raises:
        JobFailure: the disk is full, or a file can't be written or read.
    """
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise JobFailure(
                f"InternalServerError: the disk was full while {doing}; free some space and run it "
                "again."
            ) from error
        raise JobFailure(
            f"InternalServerError: {error.strerror} while {doing}, at {error.filename}."
        ) from error
