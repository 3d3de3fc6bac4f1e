"""MiniStack, and our SageMaker within it: the one file that touches its private names.

MiniStack is pinned in requirements.in; a test deploys a stack through every seam used here.
"""

# ruff: noqa: PLC0415 - MiniStack reads its settings when it is imported, so that is done late.
from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rehearsal.api.http import Http
from rehearsal.cloudformation.resource import Provisioned, ResourceType
from rehearsal.errors import ApiError
from rehearsal.settings import HOST, RehearsalSettings

_log = logging.getLogger(__name__)
_SERVICE = "sagemaker"
_REPOSITORY = Path(__file__).resolve().parents[1]
_LONGEST_NAME = 63
_SHUTDOWN_SECONDS = 3.0
_SAVE_SECONDS = 15.0

Answer = tuple[int, dict[str, str], bytes]


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
    # AWS's Node runtimes bring the AWS SDK, which CDK's own custom resources count on.
    os.environ.setdefault("NODE_PATH", str(_REPOSITORY / "node_modules"))
    os.environ.pop("AWS_PROFILE", None)


async def serve(listener: socket.socket, ready: Callable[[], None], stop: asyncio.Event) -> None:
    """Answers on a bound socket until `stop` is set; then MiniStack writes its state."""
    from hypercorn.asyncio import serve as hypercorn_serve
    from hypercorn.config import Config
    from ministack.app import app

    address = listener.getsockname()
    config = Config()
    config.bind = [f"fd://{listener.detach()}"]  # Hypercorn closes it.
    config.keep_alive_timeout = 75
    config.graceful_timeout = _SHUTDOWN_SECONDS
    config.shutdown_timeout = 60

    beside = [
        asyncio.create_task(_when_ready(address, ready)),
        asyncio.create_task(_save_now_and_then()),
    ]
    try:
        await hypercorn_serve(app, config, shutdown_trigger=stop.wait)
    finally:
        for task in beside:
            task.cancel()


async def _save_now_and_then() -> None:
    """MiniStack writes its state when it stops: what it has in memory would not outlive a kill."""
    from ministack.app import _build_persistence_save_dict
    from ministack.core.persistence import save_all

    logging.getLogger("persistence").setLevel(logging.WARNING)
    while True:
        await asyncio.sleep(_SAVE_SECONDS)
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


def add_sagemaker(http: Http) -> None:
    """Routes SageMaker's clients, control plane and runtime, to us."""
    from ministack import app
    from ministack.core import router
    from ministack.core.concurrency import run_reentrant

    async def handler(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, list[str]]
    ) -> Answer:
        # A thread of its own: some operations read S3, on this very server.
        status, answered, content = await run_reentrant(http.answer, method, path, headers, body)
        # MiniStack makes a JSON service's Content-Type its protocol's. A model server's own must
        # stay; it looks for the capitalised name.
        return status, {name.lower(): value for name, value in answered.items()}, content

    app.SERVICE_HANDLERS[_SERVICE] = handler
    router.SERVICE_PATTERNS[_SERVICE] = {"target_prefixes": ["SageMaker."]}


def put_event(detail_type: str, detail: dict[str, Any], resources: list[str]) -> None:
    """Puts an event of `aws.sagemaker`, which PutEvents lets AWS's own services only. From any
    thread but the server's own.
    """
    from ministack import app
    from ministack.services import eventbridge

    entry = {
        "Source": "aws.sagemaker",
        "DetailType": detail_type,
        "Detail": json.dumps(detail),
        "Resources": resources,
    }

    async def put() -> None:
        # On the server's loop, as PutEvents itself: its targets count on that.
        eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)

    loop = app._MAIN_LOOP
    if loop is None or loop.is_closed():
        raise RuntimeError("the server does not run")
    asyncio.run_coroutine_threadsafe(put(), loop).result(timeout=30)


def add_resource_types(types: list[ResourceType], recorded_only: tuple[str, ...]) -> None:
    """Registers CloudFormation types; those that MiniStack has itself stay its own."""
    from ministack.services.cloudformation import provisioners, stacks

    for made in types:
        provisioners._RESOURCE_HANDLERS[made.type_name] = _handlers(made)
        provisioners._REPLACING_PROPERTIES[made.type_name] = made.replacing
        provisioners._STACK_TAG_PROPERTY[made.type_name] = ("Tags", "list")
        provisioners._CUSTOM_NAME_REPLACEMENT[made.type_name] = {"name": made.name_property}
    for type_name in recorded_only:
        if type_name not in provisioners._RESOURCE_HANDLERS:
            provisioners._RESOURCE_HANDLERS[type_name] = _recording(type_name, "Name")

    blocking = {made.type_name for made in types}
    its_own = stacks._runs_on_worker_thread

    def runs_on_worker_thread(resource_type: str) -> bool:
        return resource_type in blocking or its_own(resource_type)

    # Our types call back into this server and wait: on its loop they would wait for ever.
    stacks._runs_on_worker_thread = runs_on_worker_thread


def record_metric_math_alarms() -> None:
    """MiniStack refuses an alarm on an expression of metrics; so that its stack deploys, such an
    alarm is recorded only. An alarm on one metric stays MiniStack's.
    """
    from ministack.services.cloudformation import provisioners

    type_name = "AWS::CloudWatch::Alarm"
    its_own = provisioners._RESOURCE_HANDLERS[type_name]
    recorded = _recording(type_name, "AlarmName")

    def of(properties: dict[str, Any]) -> dict[str, Any]:
        return recorded if "Metrics" in properties else its_own

    def create(
        logical_id: str, properties: dict[str, Any], stack: str
    ) -> tuple[str, dict[str, Any]]:
        made: tuple[str, dict[str, Any]]
        made = of(properties)["create"](logical_id, properties, stack)
        return made

    def update(
        physical_id: str,
        old: dict[str, Any],
        new: dict[str, Any],
        stack: str,
        logical_id: str | None = None,
    ) -> tuple[str, dict[str, Any]]:
        made: tuple[str, dict[str, Any]]
        if of(old) is not of(new):
            of(old)["delete"](physical_id, old)
            made = of(new)["create"](logical_id or physical_id, new, stack)
        elif of(new) is recorded or not its_own.get("update_with_logical_id"):
            made = of(new)["update"](physical_id, old, new, stack)
        else:
            made = its_own["update"](physical_id, old, new, stack, logical_id)
        return made

    def delete(physical_id: str, properties: dict[str, Any]) -> None:
        of(properties)["delete"](physical_id, properties)

    provisioners._RESOURCE_HANDLERS[type_name] = its_own | {
        "create": create,
        "update": update,
        "update_with_logical_id": True,
        "delete": delete,
    }


def fail_interrupted_stacks(reason: str) -> None:
    """A stack whose operation the last stop cut short would be in progress for ever."""
    from ministack.services import cloudformation

    for stack in cloudformation._stacks._data.values():
        operation, _, state = stack.get("StackStatus", "").partition("_")
        if operation in ("CREATE", "UPDATE", "DELETE", "ROLLBACK") and "IN_PROGRESS" in state:
            stack["StackStatus"] = f"{operation}_FAILED"
            stack["StackStatusReason"] = reason


def _handlers(made: ResourceType) -> dict[str, Any]:
    from ministack.services.cloudformation.provisioners import _physical_name

    def create(
        logical_id: str, properties: dict[str, Any], stack: str
    ) -> tuple[str, dict[str, Any]]:
        generated = _physical_name(stack, logical_id, max_len=_LONGEST_NAME)
        name = str(properties.get(made.name_property) or generated)
        return _do(lambda: made.create(name, properties))

    def update(
        physical_id: str, old: dict[str, Any], new: dict[str, Any], stack: str
    ) -> tuple[str, dict[str, Any]]:
        return _do(lambda: made.update(physical_id, old, new))

    def delete(physical_id: str, properties: dict[str, Any]) -> None:
        try:
            made.delete(physical_id)
        except ApiError as error:
            raise ValueError(_reason(error)) from error

    return {"create": create, "update": update, "delete": delete}


def _do(work: Callable[[], Provisioned]) -> tuple[str, dict[str, Any]]:
    try:
        made = work()
    except ApiError as error:
        raise ValueError(_reason(error)) from error
    return made.physical_id, made.attributes


def _reason(error: ApiError) -> str:
    # As CloudFormation words it in a stack's events.
    return (
        f"{error.message} (Service: SageMaker, Status Code: {error.status}, "
        f"Error Code: {error.code})"
    )


def _arn(type_name: str, name: str) -> str:
    from ministack.core.responses import get_account_id, get_region

    _, service, kind = type_name.lower().split("::")
    return f"arn:aws:{service}:{get_region()}:{get_account_id()}:{kind}:{name}"


def _recording(type_name: str, name_property: str) -> dict[str, Any]:
    from ministack.services.cloudformation.provisioners import _physical_name

    def create(
        logical_id: str, properties: dict[str, Any], stack: str
    ) -> tuple[str, dict[str, Any]]:
        _log.warning("%s %s of %s is recorded only: it does nothing", type_name, logical_id, stack)
        name = str(properties.get(name_property) or _physical_name(stack, logical_id))
        return name, {"Arn": _arn(type_name, name)}

    def update(
        physical_id: str, old: dict[str, Any], new: dict[str, Any], stack: str
    ) -> tuple[str, dict[str, Any]]:
        return physical_id, {"Arn": _arn(type_name, physical_id)}

    def delete(physical_id: str, properties: dict[str, Any]) -> None:
        return None

    return {"create": create, "update": update, "delete": delete}


def correct_ecr() -> None:
    """DescribeImages of an image that is not there is an error on AWS:
    https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeImages.html

    MiniStack answers with an empty list, and the CDK CLI would take the image for published.
    """
    from ministack.core.responses import error_response_json
    from ministack.services import ecr

    describe: Callable[[dict[str, Any]], Answer] = ecr._describe_images

    def describe_images(data: dict[str, Any]) -> Answer:
        name = data.get("repositoryName", "")
        missing = [
            asked
            for asked in data.get("imageIds") or []
            if name in ecr._repositories and not ecr._find_image(name, asked)
        ]
        if missing:
            return error_response_json(  # type: ignore[no-any-return]
                "ImageNotFoundException",
                f"The image with imageId {json.dumps(missing[0])} does not exist within the "
                f"repository with name '{name}' in the registry.",
                400,
            )
        return describe(data)

    ecr._describe_images = describe_images
