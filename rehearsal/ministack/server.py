"""Runs MiniStack on a socket."""

import asyncio
import logging
import socket
from collections.abc import Callable, Sequence

from hypercorn.asyncio import serve as hypercorn_serve
from hypercorn.config import Config
from ministack.app import _build_persistence_save_dict, app
from ministack.core.persistence import save_all

from rehearsal.ministack import alarms, metrics
from rehearsal.supervised import look_now_and_then

_SHUTDOWN_SECONDS = 3.0
_SAVE_SECONDS = 15.0


Periodic = tuple[str, Callable[[], None], float]
"""What is done now and then on the server's loop: its name, itself, seconds between two."""


async def serve(
    listener: socket.socket,
    ready: Callable[[], None],
    stop: asyncio.Event,
    periodic: Sequence[Periodic],
) -> None:
    """Answers on a bound socket until `stop` is set; then MiniStack writes its state.

    Args:
        listener: the socket; it is closed.
        ready: is called once, from a thread, when it answers; it raises nothing.
        periodic: what is done on the loop besides MiniStack's own things.
    """
    address = listener.getsockname()
    config = Config()
    config.bind = [f"fd://{listener.detach()}"]  # Hypercorn closes it.
    config.keep_alive_timeout = 75
    config.graceful_timeout = _SHUTDOWN_SECONDS
    config.shutdown_timeout = 60

    logging.getLogger("persistence").setLevel(logging.WARNING)
    tasks = [asyncio.create_task(_when_ready(address, ready))]
    tasks += [
        asyncio.create_task(look_now_and_then(name, look, every))
        for name, look, every in (
            ("saving", _save, _SAVE_SECONDS),
            ("alarms", alarms.judge_all, alarms.EVERY_SECONDS),
            ("metric filters", metrics.put_filter_defaults, metrics.FILTERS_EVERY_SECONDS),
            ("queue metrics", metrics.put_queue_metrics, metrics.QUEUES_EVERY_SECONDS),
            *periodic,
        )
    ]
    try:
        await hypercorn_serve(app, config, shutdown_trigger=stop.wait)
    finally:
        for task in tasks:
            task.cancel()


def _save() -> None:
    """MiniStack writes its state when it stops: what it has in memory would not outlive a kill."""
    # On its own loop, where nothing changes the state meanwhile.
    save_all(_build_persistence_save_dict())


async def _when_ready(address: tuple[str, int], ready: Callable[[], None]) -> None:
    while True:
        try:
            reader, writer = await asyncio.open_connection(*address)
            writer.write(b"GET /_ministack/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            answered = await reader.readline()
            writer.close()
            if b" 200 " in answered:
                break
        except OSError:
            pass
        await asyncio.sleep(0.05)
    await asyncio.to_thread(ready)
