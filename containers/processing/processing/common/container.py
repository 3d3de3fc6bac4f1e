"""SageMaker's contract with a processing container: folders, channels, exit code and exit message.

https://docs.aws.amazon.com/sagemaker/latest/dg/build-your-own-processing-container.html
"""

import errno
import json
import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

OPT_ML = Path("/opt/ml")
EXIT_MESSAGE_BYTES = 1024

logger = logging.getLogger(__name__)


class UserError(Exception):
    """What the user can put right. The message is one sentence: what, where, what to do."""


def quoted(name: str) -> str:
    """A name from outside for a sentence: in quotes and, whatever is in it, on one line."""
    return json.dumps(name, ensure_ascii=False)


def run(step: Callable[[Sequence[str], Path], None], arguments: Sequence[str], root: Path) -> int:
    """Runs a step and gives its exit code: 0, or 1 with the reason in `root`/output/message.

    DescribeProcessingJob shows the first 1 KB of that file as ExitMessage
    (https://docs.aws.amazon.com/sagemaker/latest/dg/byoc-metadata.html). Only a fault of the
    program leaves a traceback in the log.
    """
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stdout
    )
    try:
        step(arguments, root)
    except UserError as error:
        logger.error("%s", error)
        message = str(error)
    except Exception as error:
        logger.exception("The step stopped on an unexpected error.")
        message = _sentence_of(error)
    else:
        return 0
    _write_exit_message(message, root)
    return 1


def _sentence_of(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return (
            f"The disk is full ({error.filename}): give the job a larger volume (VolumeSizeInGB) "
            "and run it again."
        )
    return f"{type(error).__name__}: {error} (the job's log has the traceback)."


def _write_exit_message(message: str, root: Path) -> None:
    # Cut here and not by SageMaker, which would cut a character in two.
    text = message.encode()[:EXIT_MESSAGE_BYTES].decode(errors="ignore")
    try:
        (root / "output").mkdir(parents=True, exist_ok=True)
        (root / "output" / "message").write_text(text, encoding="utf-8")
    except OSError as error:
        logger.error("The exit message could not be written: %s", error)


def write_json(path: Path, content: Any) -> None:
    """Writes readable UTF-8 JSON, the same bytes for the same content; makes the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


Channel = Literal["train", "validation", "test"]
CHANNELS: tuple[Channel, ...] = get_args(Channel)
