"""EvaluateModel's entry point: inputs are checked, then this host's workers start.

A processing job: https://docs.aws.amazon.com/sagemaker/latest/dg/build-your-own-processing-container.html
"""

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from training.common.container import OPT_ML, UserError, explain_failure
from training.evaluation.inputs import Folders, unpack_models
from training.launch.cluster import Program

_MOST_WORKERS = 64

logger = logging.getLogger(__name__)


def main(arguments: Sequence[str], root: Path = OPT_ML) -> int:
    """Gives the exit code; what went wrong stands in `output/message`, SageMaker's ExitMessage."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s", stream=sys.stdout)
    folders = Folders(root)
    try:
        workers = _number_of_workers(options.workers_per_host)
        unpack_models(folders)
        # On every host: an output that is not there fails the job.
        folders.evaluation.mkdir(parents=True, exist_ok=True)
    except UserError as error:
        logger.error("%s", error)
        explain_failure(folders.message, str(error))
        return 1
    # Horovod imports TensorFlow, which takes seconds.
    from training.launch.launcher import launch  # noqa: PLC0415 - Horovod imports TensorFlow, which takes seconds

    return launch(
        Program(
            module="training.evaluation.evaluate",
            root=root,
            resource_config=folders.resource_config,
            failure=folders.message,
            workers_per_host=workers,
        )
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training.evaluate_model",
        description="Measures a model, and the one that serves now, on the test channel.",
        epilog="example: python -m training.evaluate_model --workers-per-host 4",
    )
    parser.add_argument(
        "--workers-per-host",
        metavar="N",
        default="1",
        help=f"processes on each host, 1 to {_MOST_WORKERS}; each computes on one core, or on one "
        "GPU (default: 1)",
    )
    return parser


def _number_of_workers(text: str) -> int:
    """The number that was given.

    Raises:
        UserError: it is none, or out of range.
    """
    # Here, as argparse would leave the job without a message.
    if text.isascii() and text.isdigit() and 1 <= int(text) <= _MOST_WORKERS:
        return int(text)
    raise UserError(f"--workers-per-host is {text!r}: give a number from 1 to {_MOST_WORKERS}.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
