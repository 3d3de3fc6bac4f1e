"""Runs MiniStack on a socket."""

# ruff: noqa: PLC0415 - MiniStack reads its settings when it is imported, so that is done late.
from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Callable, Sequence

from rehearsal.ministack import alarms, metric_filters, queue_metrics
from rehearsal.settings import HOST, RehearsalSettings
from rehearsal.supervised import look_now_and_then

_SHUTDOWN_SECONDS = 3.0
_SAVE_SECONDS = 15.0


def configure(settings: RehearsalSettings, *, enforce_iam: bool) -> None:
    """Sets the variables that MiniStack reads when it is first imported."""
    folder = settings.state / "ministack"
    os.environ.update(
        {
            "BIND_HOST": HOST,
            "GATEWAY_PORT": str(settings.port),
            "MINISTACK_REGION": settings.region,
            "MINISTACK_ACCOUNT_ID": settings.account,
            "PERSIST_STATE": "1",
            "STATE_DIR": str(folder / "services"),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(folder / "s3"),
            # It would listen on every interface, whatever BIND_HOST says.
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "AUTH": "true" if enforce_iam else "false",
            # A Lambda function's own calls must come back here.
            "AWS_ENDPOINT_URL": settings.endpoint_url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": settings.region,
            "AWS_DEFAULT_REGION": settings.region,
        }
    )
    os.environ.pop("AWS_PROFILE", None)


Look = tuple[str, Callable[[], None], float]
"""What is done now and then on the server's loop: its name, itself, seconds between two."""


async def serve(
    listener: socket.socket, ready: Callable[[], None], stop: asyncio.Event, looks: Sequence[Look]
) -> None:
    """Answers on a bound socket until `stop` is set; then MiniStack writes its state.

    Args:
        ready: is called once, from a thread, when it answers; it raises nothing.
    """
    from hypercorn.asyncio import serve as hypercorn_serve
    from hypercorn.config import Config
    from ministack.app import app

    address = listener.getsockname()
    config = Config()
    config.bind = [f"fd://{listener.detach()}"]  # Hypercorn closes it.
    config.keep_alive_timeout = 75
    config.graceful_timeout = _SHUTDOWN_SECONDS
    config.shutdown_timeout = 60

    logging.getLogger("persistence").setLevel(logging.WARNING)
    beside = [asyncio.create_task(_when_ready(address, ready))]
    beside += [
        asyncio.create_task(look_now_and_then(name, look, every))
        for name, look, every in (
            ("saving", _save, _SAVE_SECONDS),
            ("alarms", alarms.judge_all, alarms.EVERY_SECONDS),
            ("metric filters", metric_filters.put_defaults, metric_filters.EVERY_SECONDS),
            ("queue metrics", queue_metrics.publish, queue_metrics.EVERY_SECONDS),
            *looks,
        )
    ]
    try:
        await hypercorn_serve(app, config, shutdown_trigger=stop.wait)
    finally:
        for task in beside:
            task.cancel()


def _save() -> None:
    """MiniStack writes its state when it stops: what it has in memory would not outlive a kill."""
    from ministack.app import _build_persistence_save_dict
    from ministack.core.persistence import save_all

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
