"""The instances of all variants of one endpoint configuration, and who gets a request."""

from __future__ import annotations

import itertools
import logging
import random
import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import httpx

from rehearsal.backends import Variant
from rehearsal.endpoints import artifact
from rehearsal.endpoints.errors import FleetError
from rehearsal.endpoints.instance import Instance, Server
from rehearsal.errors import ApiError, validation
from rehearsal.images import environments, registry
from rehearsal.jobs.logs import LogWriter
from rehearsal.settings import RehearsalSettings

_log = logging.getLogger(__name__)

# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html
_TIMEOUT_SECONDS = 60.0
_TARGET = "x-amzn-sagemaker-target-variant"
_INVOKED = "x-amzn-invoked-production-variant"
_OF_THE_CONNECTION = ("connection", "content-length", "keep-alive", "transfer-encoding")


class Fleet:
    """Starts nothing by itself: see `start`.

    :param folder: the fleet's own, below which the instances' folders are.
    """

    def __init__(
        self, settings: RehearsalSettings, endpoint: str, variants: Sequence[Variant], folder: Path
    ):
        self._settings = settings
        self._variants = {variant.name: variant for variant in variants}
        self._folder = folder
        self._logs = LogWriter(settings, f"/aws/sagemaker/Endpoints/{endpoint}")
        self._instances: dict[str, list[Instance]] = {}
        self._turns = {name: itertools.count() for name in self._variants}
        self._lock = threading.Lock()
        self._closed = False
        self._idle = threading.Condition(self._lock)
        self._requests = 0

    def start(self) -> None:
        """Starts all instances and waits until each serves.

        :raises FleetError: one does not.
        :raises ImageError: there is no such image, or its environment can't be made.
        """
        for variant in self._variants.values():
            server = self._server(variant)
            with self._lock:
                if not self._closed:
                    self._instances[variant.name] = [
                        self._instance(server) for _ in range(variant.instance_count)
                    ]
        for instance in self._all():
            instance.wait_until_serving()

    def invoke(self, body: bytes, headers: Mapping[str, str]) -> tuple[int, dict[str, str], bytes]:
        """Asks one instance; see `rehearsal.backends.EndpointBackend.invoke`."""
        name = self._choose(headers.get(_TARGET))
        instance = self._next(name)
        passed_on = {key: value for key, value in headers.items() if _is_for_container(key)}
        try:
            answer = instance.post("/invocations", body, passed_on, _TIMEOUT_SECONDS)
        except httpx.TimeoutException as error:
            raise _model_error(
                f"Your invocation timed out while waiting for a response from container {name}"
            ) from error
        except httpx.HTTPError as error:
            raise _model_error(f"the container {name} gave no answer: {error}") from error
        own = {key: value for key, value in answer.headers.items() if key not in _OF_THE_CONNECTION}
        return answer.status_code, own | {_INVOKED: name}, answer.content

    def enter(self) -> None:
        """Marks a request as under way: `drain` waits for it."""
        with self._idle:
            self._requests += 1

    def leave(self) -> None:
        """Marks a request as answered."""
        with self._idle:
            self._requests -= 1
            self._idle.notify_all()

    def drain(self) -> None:
        """Waits until no request is under way, as long as one may take."""
        with self._idle:
            self._idle.wait_for(lambda: self._requests == 0, _TIMEOUT_SECONDS)

    def stop(self) -> None:
        """SIGTERM to all servers; returns when they are gone."""
        self._end(Instance.stop)

    def kill(self) -> None:
        """Ends all servers; returns when they are gone."""
        self._end(Instance.kill)

    def _end(self, how: Callable[[Instance], None]) -> None:
        with self._lock:
            self._closed = True
        for instance in self._all():
            how(instance)
        for instance in self._all():
            instance.join()
        self._logs.close()

    def _all(self) -> list[Instance]:
        return [instance for each in self._instances.values() for instance in each]

    def _server(self, variant: Variant) -> Server:
        image = registry.resolve(self._settings, variant.image)
        environment = environments.ensure(
            image.program, cache=self._settings.cache, report=self._progress
        )
        archive = None
        if variant.model_data_url:
            self._folder.mkdir(parents=True, exist_ok=True)
            archive = self._folder / f"{variant.name}.tar.gz"
            artifact.download(self._settings, variant, archive)
        region = {
            "AWS_REGION": self._settings.region,
            "AWS_DEFAULT_REGION": self._settings.region,
        }
        return Server(variant, image, environment, archive, region | variant.environment)

    def _progress(self, line: str) -> None:
        if self._closed:
            raise FleetError("The endpoint was deleted while its environment was made.")
        _log.info("%s", line)

    def _instance(self, server: Server) -> Instance:
        instance_id = f"i-{secrets.token_hex(8)}"
        stream = f"{server.variant.name}/{instance_id}"
        return Instance(
            server, self._folder / instance_id, lambda line: self._logs.write(stream, line)
        )

    def _choose(self, target: str | None) -> str:
        if target is not None:
            if target not in self._variants:
                raise validation(f"Variant {target} not found for the endpoint.")
            return target
        names = list(self._variants)
        weights = [self._variants[name].weight for name in names]
        if not any(weights):
            raise validation(
                "Every variant of the endpoint has the weight 0: give one some weight."
            )
        # Traffic is split by chance, as on AWS; nothing is decided by it.
        return random.choices(names, weights)[0]  # noqa: S311

    def _next(self, name: str) -> Instance:
        serving = [instance for instance in self._instances[name] if instance.serving]
        if not serving:
            raise ApiError(
                "ServiceUnavailable",
                f"No model server of the variant {name} is up; a new one is being started, try "
                f"again.",
                503,
            )
        return serving[next(self._turns[name]) % len(serving)]


def _is_for_container(header: str) -> bool:
    return header != _TARGET and header.startswith(("content-type", "accept", "x-amzn-sagemaker-"))


def _model_error(what: str) -> ApiError:
    return ApiError(
        "ModelError",
        f'Received server error (0) from primary with message "{what}". See the endpoint\'s logs '
        f"in CloudWatch.",
        424,
    )
