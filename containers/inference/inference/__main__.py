"""`python -m inference serve`: what SageMaker runs in the container.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html
"""

import argparse
import os
import signal
import sys
from pathlib import Path

from inference.artifact import UnusableModelError, read_artifact
from inference.logs import log_config
from inference.server import serve

DEFAULT_PORT = 8080


def main() -> int:
    arguments = parser().parse_args()
    # uvicorn raises the signal that stopped it again when it is done; and TERM may come before.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    signal.signal(signal.SIGINT, lambda *_: sys.exit(130))
    try:
        artifact = read_artifact(arguments.model)
        return serve(artifact, host=arguments.host, port=port(), log_config=log_config())
    except UnusableModelError as error:
        print(error, file=sys.stderr, flush=True)
        return 1


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m inference", description="Serves the model in a folder over HTTP."
    )
    parser.add_argument("command", choices=["serve"], help="what SageMaker passes")
    parser.add_argument(
        "--model", type=Path, default=Path("/opt/ml/model"), help="folder (default: %(default)s)"
    )
    # SageMaker reaches the container from outside, so that loopback would not do there.
    parser.add_argument("--host", default="0.0.0.0", help="address (default: %(default)s)")  # noqa: S104
    return parser


def port() -> int:
    """The port to listen on: SageMaker names another than 8080 where containers share a host.

    https://docs.aws.amazon.com/sagemaker/latest/dg/multi-container-endpoints.html
    """
    given = os.environ.get("SAGEMAKER_BIND_TO_PORT", str(DEFAULT_PORT))
    if not given.isdecimal() or not 0 < int(given) < 65536:
        sys.exit(f"SAGEMAKER_BIND_TO_PORT is {given!r}: give a port from 1 to 65535.")
    return int(given)


if __name__ == "__main__":
    sys.exit(main())
