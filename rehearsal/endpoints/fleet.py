"""The servers of all variants of one endpoint configuration, and who gets a request."""

import logging
import random
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from rehearsal import aws
from rehearsal.authorization import sagemaker
from rehearsal.backends import Configuration, Response, Variant
from rehearsal.endpoints import servers
from rehearsal.endpoints.capture import Capture
from rehearsal.endpoints.errors import FleetError
from rehearsal.endpoints.instance import Instance, Timing
from rehearsal.endpoints.invocations import Invocations, Shadow
from rehearsal.endpoints.metrics import EndpointMetrics
from rehearsal.endpoints.pool import Pool, Servers
from rehearsal.endpoints.requests import TARGET_VARIANT, InFlight, Request
from rehearsal.endpoints.serverless import OnDemand
from rehearsal.endpoints.servers import ModelServer
from rehearsal.errors import validation
from rehearsal.logs import LogWriter
from rehearsal.settings import RehearsalSettings

_log = logging.getLogger(__name__)

_METRICS = "/aws/sagemaker/Endpoints"
_INVOKED = "x-amzn-invoked-production-variant"


class Fleet:
    """Starts nothing by itself: see `start`.

    Attributes:
        folder: the fleet's own, below which the instances' folders are.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - what a fleet is made of
        self,
        settings: RehearsalSettings,
        endpoint: str,
        configuration: Configuration,
        folder: Path,
        metrics: EndpointMetrics,
        timing: Timing,
    ):
        self.configuration = configuration
        self.in_flight = InFlight()
        self._settings = settings
        self._endpoint = endpoint
        self._folder = folder
        self._metrics = metrics
        capture = None
        if config := configuration.data_capture:
            capture = Capture(settings, endpoint, config, timing.capture_every)
        self._invocations = Invocations(endpoint, configuration, metrics, capture)
        self._timing = timing
        self._log_group = f"/aws/sagemaker/Endpoints/{endpoint}"
        self._role = aws.Role(settings, configuration.variants[0].role_arn, "SageMaker-endpoint")
        self._logs = LogWriter(settings, self._log_group, self._role)
        self._variants = {variant.name: variant for variant in configuration.variants}
        self._weights = {name: variant.weight for name, variant in self._variants.items()}
        self._servers: dict[str, Servers] = {}
        self._shadows: list[Shadow] = []
        self._shadowing: list[Servers] = []
        self._lock = threading.Lock()
        self._closed = False

    @property
    def available(self) -> bool:
        """Whether no variant that gets requests is without all its servers."""
        return bool(self._servers) and all(
            self._servers[name].available for name, weight in self._weights.items() if weight
        )

    def start(self, timeout_seconds: float | None = None) -> None:
        """Starts all servers and waits until each serves.

        Raises:
            FleetError: one does not, or not in time.
            ImageError: there is no such image, or its environment can't be made.
        """
        ends = None if timeout_seconds is None else time.monotonic() + timeout_seconds
        for variant in self._variants.values():
            self._start_variant(variant, self._servers.__setitem__)
        for variant in self.configuration.shadow_variants:
            self._start_variant(variant, partial(self._shadow, variant))
        for each in self._all():
            each.wait_until_serving(None if ends is None else max(ends - time.monotonic(), 0))

    def invoke(self, request: Request) -> Response:
        """Asks one server; see `rehearsal.backends.EndpointBackend.invoke`."""
        name = self._choose(request.headers.get(TARGET_VARIANT))
        for shadow in self._shadows:
            shadow.offer(request)
        answer = self._invocations.ask(self._variants[name], self._servers[name], request)
        return answer.status, answer.for_client | {_INVOKED: name}, answer.body

    def capacity(self, name: str) -> tuple[float, int]:
        """Weight and instances of a variant, as they are now."""
        scaled = self._servers.get(name)
        return self._weights[name], scaled.instance_count if scaled else 0

    def weigh(self, weights: Mapping[str, float]) -> None:
        """Gives variants, by name, other weights."""
        self._weights = self._weights | dict(weights)

    def scale(self, name: str, count: int) -> None:
        """Gives a variant more or fewer instances, while it serves; returns when it has them.

        Raises:
            FleetError: a new one did not come up; the others serve on.
        """
        self._servers[name].scale(count)

    def stop(self) -> None:
        """SIGTERM to all servers; returns when they are gone."""
        self._end(lambda each: each.stop())

    def kill(self) -> None:
        """Ends all servers; returns when they are gone."""
        self._end(lambda each: each.kill())

    def _end(self, how: Callable[[Servers], None]) -> None:
        with self._lock:
            self._closed = True
        for each in self._all():
            how(each)
        for shadow in self._shadows:
            shadow.close()
        for each in self._all():
            each.join()
        self._invocations.close()
        self._logs.close()

    def _all(self) -> list[Servers]:
        return [*self._servers.values(), *self._shadowing]

    def _start_variant(self, variant: Variant, add: Callable[[str, Servers], None]) -> None:
        key_id = self.configuration.volume_key_id
        server = servers.prepare(self._settings, variant, self._folder, self._progress, key_id)
        self._report(variant)
        with self._lock:
            if self._closed:
                raise FleetError("The endpoint was deleted while its servers were started.")
            add(variant.name, self._make_servers(server))

    def _report(self, variant: Variant) -> None:
        """Tries whether the variant's role may write logs and metrics.

        Raises:
            FleetError: the role may not write logs or metrics.
        """
        names = {"EndpointName": self._endpoint, "VariantName": variant.name}
        dimensions = [{"Name": name, "Value": value} for name, value in names.items()]
        try:
            sagemaker.write_logs(self._role, self._log_group, f"{variant.name}/start")
            sagemaker.put_disk_use(self._role, _METRICS, dimensions, self._settings.state)
        except sagemaker.AccessDenied as error:
            raise FleetError(str(error)) from error

    def _make_servers(self, server: ModelServer) -> Servers:
        variant = server.variant
        make = partial(self._instance, server)
        if variant.serverless is None:
            return Pool(variant.name, variant.instance_count, make)
        return OnDemand(
            variant.name,
            variant.serverless,
            make,
            idle_seconds=self._timing.idle,
            on_setup=partial(self._metrics.setup, self._invocations.source(variant)),
        )

    def _shadow(self, variant: Variant, name: str, its_servers: Servers) -> None:
        """Lets a shadow variant have its copies."""
        production = sum(self._weights.values())
        share = min(variant.weight / production, 1.0) if production else 0.0
        self._shadowing.append(its_servers)

        def ask(request: Request) -> None:
            copy = replace(request, began=time.monotonic())
            self._invocations.ask(variant, its_servers, copy)

        self._shadows.append(Shadow(name, share, ask))

    def _progress(self, line: str) -> None:
        if self._closed:
            raise FleetError("The endpoint was deleted while its environment was made.")
        _log.info("%s", line)

    def _instance(self, server: ModelServer) -> Instance:
        instance_id = f"i-{secrets.token_hex(8)}"
        stream = f"{server.variant.name}/{instance_id}"
        return Instance(
            server,
            self._folder / instance_id,
            lambda line: self._logs.write(stream, line),
            self._timing,
        )

    def _choose(self, target: str | None) -> str:
        if target is not None:
            if target not in self._variants:
                raise validation(f"Variant {target} not found for the endpoint.")
            return target
        weights = self._weights
        if not any(weights.values()):
            raise validation(
                "Every variant of the endpoint has the weight 0: give one some weight."
            )
        # Traffic is split by chance, as on AWS; nothing is decided by it.
        return random.choices(list(weights), list(weights.values()))[0]  # noqa: S311 - no secret
