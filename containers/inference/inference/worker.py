"""One serving process: uvicorn on a socket that its supervisor holds open."""

import argparse
import asyncio
import logging
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any

import uvicorn

from inference.application import application
from inference.connection import KEEP_ALIVE_SECONDS, connection_class
from inference.logs import log_config
from inference.model import UnusableModelError, read_artifact
from inference.service import Service
from inference.settings import Settings, read_settings
from inference.supervisor import BACKLOG, UNUSABLE
from preprocessing.decoder_process import end_with_parent

logger = logging.getLogger("inference")

# SageMaker sends KILL 30 s after TERM.
# https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html
SHUTDOWN_SECONDS = 25


def serve(folder: Path, listening: socket.socket, settings: Settings) -> int:
    """Serves until TERM; gives the exit status.

    Raises:
        UnusableModelError: the model cannot be served.
    """
    failures: list[Exception] = []

    def ended(error: Exception) -> None:
        failures.append(error)
        server.should_exit = True

    service = Service(read_artifact(folder), settings, ended)
    connections, protocol = connection_class(settings)
    server = Server(
        uvicorn.Config(
            application(service),
            http=protocol,
            ws="none",
            lifespan="on",
            log_config=log_config(),
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            backlog=BACKLOG,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        )
    )
    server.each_tick = connections.end_slow_ones
    server.run(sockets=[listening])
    if failures:
        raise failures[0]
    return 0


class Server(uvicorn.Server):
    """uvicorn's, with a look at its connections every second."""

    each_tick: Any = staticmethod(lambda _now: None)

    async def on_tick(self, counter: int) -> bool:
        """Looks at the connections once a second; uvicorn calls it ten times as often."""
        if counter % 10 == 0:
            self.each_tick(asyncio.get_running_loop().time())
        return await super().on_tick(counter)


def main() -> int:
    """Serves on the socket that the supervisor passed; gives the exit status."""
    parser = argparse.ArgumentParser(prog="python -m inference.worker")
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--socket", type=int, required=True, help="descriptor of the listening one")
    parser.add_argument("--supervisor", type=int, required=True, help="process id")
    arguments = parser.parse_args()
    _die_with(arguments.supervisor)
    # uvicorn raises the signal that stopped it again when it is done; and TERM may come before.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    signal.signal(signal.SIGINT, lambda *_: sys.exit(130))
    try:
        return serve(arguments.model, socket.socket(fileno=arguments.socket), read_settings())
    except UnusableModelError as error:
        print(error, file=sys.stderr, flush=True)
        return UNUSABLE


def _die_with(supervisor: int) -> None:
    """A worker without its supervisor would keep the port."""
    end_with_parent()
    if os.getppid() != supervisor:
        sys.exit("The supervisor is gone.")


if __name__ == "__main__":
    sys.exit(main())
