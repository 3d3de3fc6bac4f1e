"""The image's entry point: SageMaker starts it with the argument `train`."""

import logging
import sys
from pathlib import Path

from training.common.container import OPT_ML, Folders, UserError, explain_failure
from training.launch.cluster import Program
from training.settings import read_settings


def main(arguments: list[str], root: Path = OPT_ML) -> int:
    """Checks the hyperparameters and starts this host's workers; gives the exit status."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s", stream=sys.stdout)
    if arguments != ["train"]:
        print("This image trains: start it with the argument train.", file=sys.stderr)
        return 2
    folders = Folders(root)
    try:
        # Before Horovod is imported, which imports TensorFlow.
        settings = read_settings(folders.config / "hyperparameters.json")
    except UserError as error:
        logging.error("%s", error)
        explain_failure(folders.failure, str(error))
        return 1
    from training.launch.launcher import launch  # noqa: PLC0415 - Horovod imports TensorFlow, which takes seconds

    return launch(
        Program(
            module="training.train",
            root=folders.root,
            resource_config=folders.config / "resourceconfig.json",
            failure=folders.failure,
            workers_per_host=settings.workers_per_host,
        )
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
