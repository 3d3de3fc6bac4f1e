"""`python -m inference serve`: what SageMaker runs in the container.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html
"""

import argparse
import sys
from pathlib import Path

from inference.settings import UnusableSettingError, read_settings
from inference.supervisor import Supervisor


def main() -> int:
    """Serves until TERM; gives the exit status."""
    arguments = parser().parse_args()
    try:
        settings = read_settings()
        return Supervisor(arguments.model, arguments.host, settings).run()
    except UnusableSettingError as error:
        print(error, file=sys.stderr, flush=True)
    except OSError as error:
        print(
            f"Port {settings.port} of {arguments.host} cannot be listened on ({error.strerror}): "
            "end what listens there or set SAGEMAKER_BIND_TO_PORT.",
            file=sys.stderr,
            flush=True,
        )
    return 1


def parser() -> argparse.ArgumentParser:
    """What the command line may say."""
    parser = argparse.ArgumentParser(
        prog="python -m inference", description="Serves the model in a folder over HTTP."
    )
    parser.add_argument("command", choices=["serve"], help="what SageMaker passes")
    parser.add_argument(
        "--model", type=Path, default=Path("/opt/ml/model"), help="folder (default: %(default)s)"
    )
    every = "0.0.0.0"  # noqa: S104 - SageMaker reaches the container from outside
    parser.add_argument("--host", default=every, help="address (default: %(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
