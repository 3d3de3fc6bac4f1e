"""Puts the rehearsal together and runs it."""

from __future__ import annotations

import asyncio
import fcntl
import json
import logging
import os
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Protocol

from rehearsal import recovery
from rehearsal.api import dispatch
from rehearsal.api.dispatch import Api
from rehearsal.api.http import Http
from rehearsal.asynchronous.backlog import Backlog
from rehearsal.authorization.caller import caller, of_execution
from rehearsal.authorization.record import Record
from rehearsal.autoscaling.api import ApplicationAutoScaling
from rehearsal.autoscaling.http import Http as ScalingHttp
from rehearsal.autoscaling.resource_types import ScalableTarget, ScalingPolicy
from rehearsal.autoscaling.scaler import Scaler
from rehearsal.backends import (
    Call,
    EndpointBackend,
    ExecutionReports,
    JobBackend,
    PipelineBackend,
)
from rehearsal.cloudformation import RECORDED_ONLY
from rehearsal.endpoints import metrics as endpoint_metrics
from rehearsal.endpoints.backend import ProcessEndpoints
from rehearsal.events import Events
from rehearsal.jobs.backend import ProcessBackend
from rehearsal.ministack import (
    access_logs,
    alarms,
    authorization,
    boundaries,
    corrections,
    durable_tables,
    event_bus_policies,
    full_disk,
    function_dead_letters,
    function_metrics,
    function_roles,
    metric_filters,
    metric_math_alarms,
    network_interfaces,
    object_keys,
    requests,
    resource_types,
    services,
    stack_events,
    stacks,
)
from rehearsal.ministack import server as ministack
from rehearsal.pipelines.engine import Engine
from rehearsal.pipelines.metrics import ExecutionMetrics, to_cloudwatch
from rehearsal.pipelines.property_files import ReadS3, s3_reader
from rehearsal.resources.context import Context
from rehearsal.settings import ANNOUNCEMENT, HOST, LOCK, RehearsalSettings
from rehearsal.store import Store

_log = logging.getLogger(__name__)

MakePipelines = Callable[[RehearsalSettings, Call, ExecutionReports], PipelineBackend]


class StartError(Exception):
    """The server can't start: one sentence, what is wrong and what to do."""


class Backends(Protocol):
    """Makes the parts that do the work; `ProcessBackends` unless a test brings its own."""

    def jobs(self, settings: RehearsalSettings) -> JobBackend: ...

    def endpoints(self, settings: RehearsalSettings) -> EndpointBackend: ...

    def pipelines(
        self, settings: RehearsalSettings, call: Call, reports: ExecutionReports
    ) -> PipelineBackend: ...


class Closing(Protocol):
    def close(self) -> None: ...


class Beside(Closing, Protocol):
    """What works by itself while the server answers."""

    def start(self) -> None: ...


class ProcessBackends:
    """Jobs and model servers as processes, pipelines by our engine."""

    def jobs(self, settings: RehearsalSettings) -> JobBackend:
        return ProcessBackend(settings)

    def endpoints(self, settings: RehearsalSettings) -> EndpointBackend:
        return ProcessEndpoints(settings)

    def pipelines(
        self, settings: RehearsalSettings, call: Call, reports: ExecutionReports
    ) -> PipelineBackend:
        def as_role(execution: dict[str, Any]) -> tuple[Call, ReadS3]:
            role = of_execution(settings, execution)
            return caller(role), s3_reader(settings, role)

        return Engine(settings, call, reports, as_role=as_role)


def serve(
    settings: RehearsalSettings,
    *,
    enforce_iam: bool = False,
    backends: Backends | None = None,
) -> None:
    """Runs until SIGTERM or SIGINT, then ends all jobs and servers, keeps the state and ends this
    process.

    Raises:
        StartError: the port is taken, or another server uses the state folder.
    """
    settings.state.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        stack.enter_context(_only_server(settings.state))
        listener = stack.enter_context(_listener(settings.port))
        ministack.configure(settings, enforce_iam=enforce_iam)
        context, api = _compose(settings, backends or ProcessBackends(), stack)
        beside = _add_services(settings, context, api)
        looks = _correct_ministack(settings)
        context.authorization = _enforce(settings, enforce_iam=enforce_iam)
        stack.callback((settings.state / ANNOUNCEMENT).unlink, missing_ok=True)
        serving = _serve(settings, context, beside, listener, looks)
        asyncio.new_event_loop().run_until_complete(serving)
    # The state is written. What MiniStack still runs is not waited for: a custom resource whose
    # function never answers would hold this process for an hour.
    logging.shutdown()
    os._exit(0)


def _add_services(settings: RehearsalSettings, context: Context, api: Api) -> Sequence[Beside]:
    """Our services beside MiniStack's; returns what works by itself in them."""
    services.add_service("sagemaker", "SageMaker.", Http(context, api))
    scaling = ApplicationAutoScaling(settings, context.store, api.call)
    services.add_service(
        "application-autoscaling", "AnyScaleFrontendService.", ScalingHttp(scaling)
    )
    types = [
        *dispatch.resource_types(api.call, settings.modes),
        ScalableTarget(scaling.call),
        ScalingPolicy(scaling.call),
    ]
    resource_types.add_resource_types(types, RECORDED_ONLY)
    backlog = Backlog(context)
    context.asynchronous = backlog
    return Scaler(settings, context.store, api.call), backlog


def _correct_ministack(settings: RehearsalSettings) -> list[ministack.Look]:
    """Returns what is done now and then besides."""
    full_disk.refuse_objects_on_full_disk(settings.state)
    durable_tables.keep_writes(settings)
    corrections.correct_ecr()
    corrections.tag_buckets()
    corrections.delete_buckets_as_s3()
    corrections.delete_tables_as_dynamodb()
    corrections.encode_keys_of_versions()
    corrections.refuse_existing_log_groups()
    corrections.retry_functions()
    function_metrics.count_asynchronous_invocations()
    function_dead_letters.keep_dead_letter_queues()
    boundaries.bound_roles()
    event_bus_policies.keep_event_bus_policies()
    object_keys.encrypt_buckets()
    object_keys.ask_for_keys()
    alarms.judge_alarms({endpoint_metrics.NAMESPACE: settings.modes.late_metrics})
    metric_math_alarms.take_metric_math_alarms()
    stack_events.send_stack_events()
    stacks.keep_rules_of_stacks()
    metric_filters.apply_metric_filters()
    if not settings.modes.access_logs:
        return []
    logs = access_logs.AccessLogs(settings.modes.access_logs)
    logs.begin()
    return [("access logs", logs.deliver, access_logs.EVERY_SECONDS)]


def _enforce(settings: RehearsalSettings, *, enforce_iam: bool) -> authorization.Decisions:
    corrections.match_newlines_in_policies()
    requests.name_actions()
    requests.name_resources()
    requests.name_condition_keys()
    network_interfaces.name_vpc()
    requests.name_refusals()
    function_roles.ask_roles_of_functions()
    authorization.take_loopback_for_tls()
    record = Record(settings.state)
    authorization.record_decisions(record)
    return authorization.Decisions(record, enforced=enforce_iam)


def _compose(
    settings: RehearsalSettings, backends: Backends, stack: ExitStack
) -> tuple[Context, Api]:
    store = Store(settings.state / "sagemaker.sqlite")
    stack.callback(store.close)
    metrics = ExecutionMetrics(to_cloudwatch(settings))
    context = Context(settings, store, Events(store, services.put_event), metrics)
    api = Api(context)
    context.jobs = backends.jobs(settings)
    context.endpoints = backends.endpoints(settings)
    context.pipelines = backends.pipelines(settings, api.call, api)
    return context, api


async def _serve(
    settings: RehearsalSettings,
    context: Context,
    beside: Sequence[Beside],
    listener: socket.socket,
    looks: Sequence[ministack.Look],
) -> None:
    stop = asyncio.Event()
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked.set)

    faults: list[Exception] = []

    def ready() -> None:
        try:
            _take_up(settings, context, beside)
        except Exception as error:  # noqa: BLE001 - whoever started this server must hear of it
            _log.exception("What the state folder holds could not be taken up")
            faults.append(error)
            loop.call_soon_threadsafe(asked.set)

    async def end() -> None:
        await asked.wait()
        _log.info("Stopping: jobs and model servers first")
        # Their last words (logs, outputs) need the server, so it goes after them.
        await asyncio.to_thread(
            _close,
            [
                *beside,
                context.pipelines,
                context.jobs,
                context.endpoints,
                context.events,
            ],
        )
        stop.set()

    ending = asyncio.create_task(end())
    try:
        await ministack.serve(listener, ready, stop, looks)
    finally:
        ending.cancel()
    _log.info("Stopped")
    if faults:
        raise StartError(
            f"What {settings.state} holds could not be taken up ({faults[0]!r}): the log has the "
            "traceback; mend that, or start with an empty folder."
        ) from faults[0]


def _take_up(settings: RehearsalSettings, context: Context, beside: Sequence[Beside]) -> None:
    """What the last stop left, and the work beside; from then on clients may come."""
    durable_tables.make_lost_writes_again()
    context.events.start()
    recovery.recover(context)
    for part in beside:
        part.start()
    _write_environment(settings)
    _log.info("Ready at %s", settings.endpoint_url)


def _close(parts: Sequence[Closing]) -> None:
    for part in parts:
        try:
            part.close()
        except Exception:  # noqa: BLE001 - the others must be closed all the same
            _log.exception("%s did not close", type(part).__name__)


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
    made = place.with_suffix(".json.new")
    made.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    made.replace(place)


@contextmanager
def _only_server(state: Path) -> Iterator[None]:
    with (state / LOCK).open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StartError(
                f"A rehearsal already runs on {state}: stop it first, or give another --state."
            ) from error
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _listener(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        raise StartError(
            f"Port {port} of {HOST} can't be used ({error.strerror}): give another --port."
        ) from error
    return listener


def log_to_stderr() -> None:
    """One line an event, on stderr."""
    handler: Any = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s [%(name)s] %(message)s"))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    # A line a ping of each model server, and a line a request.
    logging.getLogger("httpx").setLevel(logging.WARNING)
