"""Puts the rehearsal together and runs it until it is stopped.

It imports MiniStack, which reads its settings when it is imported: after `ministack.configure`.
"""

import asyncio
import contextlib
import json
import logging
import os
import signal
import socket
from collections.abc import Sequence
from dataclasses import dataclass

from rehearsal import recovery
from rehearsal.api import dispatch
from rehearsal.api.dispatch import Api
from rehearsal.api.http import Http, SageMakerHttp
from rehearsal.asynchronous.backlog import Backlog
from rehearsal.authorization.record import Record
from rehearsal.autoscaling.api import SERVICE, ApplicationAutoScaling
from rehearsal.autoscaling.resource_types import ScalableTarget, ScalingPolicy
from rehearsal.autoscaling.scaler import Scaler
from rehearsal.cloudformation import RECORDED_ONLY
from rehearsal.endpoints import metrics as endpoint_metrics
from rehearsal.errors import StartError
from rehearsal.events import Events
from rehearsal.ministack import access_logs, alarms, patches, patching, stacks
from rehearsal.ministack import server as ministack
from rehearsal.ministack.authorization import Decisions
from rehearsal.ministack.durable_tables import DurableTables
from rehearsal.ministack.loop import put_sagemaker_event
from rehearsal.pipelines.metrics import ExecutionMetrics, to_cloudwatch
from rehearsal.process_backends import Backends
from rehearsal.resources.context import Context
from rehearsal.settings import ANNOUNCEMENT, RehearsalSettings
from rehearsal.store import Store

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Rehearsal:
    """All parts of one server.

    Attributes:
        workers: work by themselves, from when clients may come.
        periodic: what is done now and then on MiniStack's loop.
    """

    context: Context
    tables: DurableTables
    workers: Sequence[Scaler | Backlog]
    periodic: Sequence[ministack.Periodic]

    def take_up(self) -> None:
        """What the last stop left, and the workers; from then on clients may come."""
        self.tables.make_lost_writes_again()
        self.context.events.start()
        stacks.fail_interrupted(recovery.REASON)
        recovery.recover(self.context)
        for worker in self.workers:
            worker.start()
        _write_environment(self.context.settings)
        _log.info("Ready at %s", self.context.settings.endpoint_url)

    def close(self) -> None:
        """Jobs and model servers end; their last words (logs, outputs) need the server still."""
        context = self.context
        behind = (context.pipelines, context.jobs, context.endpoints, context.events)
        for close in (part.close for part in (*self.workers, *behind)):
            try:
                close()
            except Exception:  # noqa: BLE001 - the others must be closed all the same
                _log.exception("%s failed", close.__qualname__)


def run(
    settings: RehearsalSettings, backends: Backends, listener: socket.socket, *, enforce_iam: bool
) -> None:
    """Answers on a bound socket until SIGTERM or SIGINT, then ends all jobs and servers.

    Raises:
        StartError: another MiniStack is installed, or the state folder holds what can't be
            taken up.
    """
    with contextlib.closing(Store(settings.state / "sagemaker.sqlite")) as store:
        try:
            rehearsal = _compose(settings, backends, store, enforce_iam=enforce_iam)
            asyncio.new_event_loop().run_until_complete(_serve(rehearsal, listener))
        except patching.PatchError as error:
            raise StartError(str(error)) from error
        finally:
            (settings.state / ANNOUNCEMENT).unlink(missing_ok=True)


def _compose(
    settings: RehearsalSettings, backends: Backends, store: Store, *, enforce_iam: bool
) -> _Rehearsal:
    metrics = ExecutionMetrics(to_cloudwatch(settings))
    context = Context(settings, store, Events(store, put_sagemaker_event), metrics)
    api = Api(context)
    context.jobs = backends.jobs(settings)
    context.endpoints = backends.endpoints(settings)
    context.pipelines = backends.pipelines(settings, api.call, api)
    backlog = Backlog(context)
    context.accept_async = backlog.accept
    scaling = ApplicationAutoScaling(settings, store, api.call)
    scaling_http = Http(SERVICE, scaling.call, "InternalServiceException")
    scaler = Scaler(settings, store, api.call, alarms.newest_value)
    record = Record(settings.state)
    context.allows = Decisions(record, enforced=enforce_iam).allows
    tables = DurableTables(settings)
    types = [
        *dispatch.resource_types(api.call, settings.modes),
        ScalableTarget(scaling.call),
        ScalingPolicy(scaling.call),
    ]
    logs = access_logs.AccessLogs(late) if (late := settings.modes.access_logs) else None
    patching.apply(
        [
            *patches.service_patches("sagemaker", "SageMaker.", SageMakerHttp(context, api)),
            *patches.service_patches(SERVICE, "AnyScaleFrontendService.", scaling_http),
            *patches.type_patches(types, RECORDED_ONLY),
            *patches.data_patches(settings.state, tables),
            *patches.STACK_PATCHES,
            *patches.FUNCTION_PATCHES,
            *patches.METRIC_PATCHES,
            *patches.SAVING_PATCHES,
            *(patches.access_log_patches(logs) if logs else ()),
            *patches.authorization_patches(record),
        ]
    )
    alarms.LATE_SECONDS[endpoint_metrics.NAMESPACE] = settings.modes.late_metrics
    periodic = [("access logs", logs.deliver, access_logs.EVERY_SECONDS)] if logs else []
    return _Rehearsal(context, tables, (scaler, backlog), periodic)


async def _serve(rehearsal: _Rehearsal, listener: socket.socket) -> None:
    stopped, stop_wanted = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop_wanted.set)

    faults: list[Exception] = []

    def ready() -> None:
        try:
            rehearsal.take_up()
        except Exception as error:  # noqa: BLE001 - whoever started this server must hear of it
            _log.exception("What the state folder holds could not be taken up")
            faults.append(error)
            loop.call_soon_threadsafe(stop_wanted.set)

    async def end() -> None:
        await stop_wanted.wait()
        _log.info("Stopping: jobs and model servers first")
        await asyncio.to_thread(rehearsal.close)
        stopped.set()

    ending = asyncio.create_task(end())
    try:
        await ministack.serve(listener, ready, stopped, rehearsal.periodic)
    finally:
        ending.cancel()
    _log.info("Stopped")
    if faults:
        raise StartError(
            f"What {rehearsal.context.settings.state} holds could not be taken up ({faults[0]!r}): "
            "the log has the traceback; mend that, or start with an empty folder."
        ) from faults[0]


def _write_environment(settings: RehearsalSettings) -> None:
    content = {
        "AWS_ENDPOINT_URL": settings.endpoint_url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": settings.region,
        "AWS_DEFAULT_REGION": settings.region,
        "pid": os.getpid(),
        "cache": str(settings.cache),
        "oci_images": settings.modes.oci_images,
    }
    (settings.state / "port").write_text(str(settings.port), encoding="ascii")
    place = settings.state / ANNOUNCEMENT
    new = place.with_suffix(".json.new")
    new.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    new.replace(place)
