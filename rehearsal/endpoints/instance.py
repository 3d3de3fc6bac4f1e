"""One instance of a variant: a model server in namespaces of its own, replaced when it dies or
hangs.
"""

import logging
import os
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

from rehearsal.endpoints.errors import FleetError, NotServingError
from rehearsal.endpoints.requests import InFlight
from rehearsal.endpoints.servers import ModelServer, unpack
from rehearsal.images.runtime import assembly
from rehearsal.images.runtime.launcher import Running
from rehearsal.images.runtime.namespaces import NamespaceError
from rehearsal.images.runtime.spec import Group, Relay

_log = logging.getLogger(__name__)

# https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html
_PORT = 8080
_GRACE_SECONDS = 30.0
_PING_EVERY = 0.1
_LONGEST_BACKOFF = 60.0
_SOCKET = "socket"


@dataclass(frozen=True)
class Timing:
    """All in seconds. AWS states the ping's timeout and publishes metrics by the minute; the rest
    is the rehearsal's own, as AWS documents no numbers.

    Attributes:
        ping_timeout:
            https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html
        missed_pings: in a row, after which a model server counts as hung and is replaced.
        idle: after the last request, until a serverless variant's server ends.
    """

    ping_every: float = 5.0
    ping_timeout: float = 2.0
    missed_pings: int = 4
    idle: float = 300.0
    alarms_every: float = 1.0
    metrics_every: float = 2.0
    capture_every: float = 2.0


class Instance:
    """Starts at once; `on_line` is called with each line that the server writes.

    Attributes:
        folder: the instance's own, made and removed here.
    """

    def __init__(
        self,
        server: ModelServer,
        folder: Path,
        on_line: Callable[[str], object],
        timing: Timing | None = None,
    ):
        self.in_flight = InFlight()
        self._timing = timing or Timing()
        self._server = server
        self._folder = folder
        self._on_line = on_line
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._decided = threading.Event()
        self._error: FleetError | None = None
        self._running: Running | None = None
        self._client: httpx.Client | None = None
        self._thread = threading.Thread(target=self._run, name=folder.name, daemon=True)
        self._thread.start()

    @property
    def serving(self) -> bool:
        """Whether the server has answered `GET /ping`, and has not died or hung since."""
        return self._client is not None

    @property
    def decided(self) -> bool:
        """Whether the first server has come up, or is known not to."""
        return self._decided.is_set()

    def wait_until_serving(self, timeout_seconds: float | None = None) -> None:
        """Returns when the server answers `GET /ping` with 200.

        Raises:
            FleetError: the server did not come up, or not in time.
        """
        if not self._decided.wait(timeout_seconds):
            raise FleetError(
                f"A model server of the variant {self._server.variant.name} did not answer "
                f"GET /ping within the {timeout_seconds:.0f} s that were left for it."
            )
        if self._error:
            raise self._error

    def post(
        self, path: str, body: bytes, headers: Mapping[str, str], timeout: float
    ) -> httpx.Response:
        """Sends a request to the server.

        Raises:
            NotServingError: the server is being replaced; nothing was sent.
            httpx.HTTPError: no answer.
        """
        client = self._client
        if client is None:
            raise NotServingError(f"The instance {self._folder.name} is being replaced.")
        try:
            return client.post(path, content=body, headers=dict(headers), timeout=timeout)
        except RuntimeError as error:  # The client was closed before it began.
            raise NotServingError(f"The instance {self._folder.name} has ended.") from error

    def get(self, path: str, timeout: float) -> httpx.Response:
        """Asks the server for a path.

        Raises:
            httpx.HTTPError: no answer, or the server is being replaced.
        """
        client = self._client
        if client is None:
            raise httpx.ConnectError(f"The instance {self._folder.name} is being replaced.")
        return client.get(path, timeout=timeout)

    def stop(self) -> None:
        """SIGTERM, and SIGKILL after a while."""
        with self._lock:
            self._closing.set()
            if self._running:
                self._running.stop()

    def kill(self) -> None:
        """Ends the server at once."""
        with self._lock:
            self._closing.set()
            if self._running:
                self._running.kill()

    def join(self) -> None:
        """Waits until the server is gone."""
        self._thread.join()

    def _run(self) -> None:
        try:
            self._keep_up()
        except Exception as error:  # noqa: BLE001 - whoever waits must hear of a fault of ours
            _log.exception("The instance %s is given up.", self._folder.name)
            self._error = FleetError(f"InternalServerError: {error}")
        finally:
            self._decided.set()

    def _keep_up(self) -> None:
        backoff = 1.0
        while not self._closing.is_set():
            began = time.monotonic()
            error = self._serve_once()
            if not self._decided.is_set():
                self._error = error
                break
            if self._closing.is_set():
                break
            if time.monotonic() - began > _LONGEST_BACKOFF:
                backoff = 1.0
            _log.warning("%s Starting another one in %.0f s.", error, backoff)
            self._closing.wait(backoff)
            backoff = min(2 * backoff, _LONGEST_BACKOFF)

    def _serve_once(self) -> FleetError:
        name = self._server.variant.name
        socket_folder = -1
        try:
            running = self._launch()
            socket_folder = os.open(self._folder, os.O_PATH | os.O_DIRECTORY)
            client = _client(socket_folder)
            self._wait_until_healthy(running, client)
            self._client = client
            self._decided.set()
            return self._watch(running, client)
        except FleetError as error:
            return error
        except (NamespaceError, OSError) as error:
            return FleetError(f"A model server of the variant {name} can't be started: {error}")
        finally:
            self._clean(socket_folder)

    def _launch(self) -> Running:
        shutil.rmtree(self._folder, ignore_errors=True)
        model = self._folder / "ml" / "model"
        model.mkdir(parents=True)
        server = self._server
        if server.archive:
            unpack(server.archive, model, server.variant.model_data_url)
        what = assembly.Run(
            command=assembly.command(server.image, None, ["serve"]),
            variables=server.variables,
            hosts=["model"],
        )
        container = assembly.container(
            server.image, server.environment, "model", self._folder, what
        )
        group = Group((container,), True, _GRACE_SECONDS, Relay(_SOCKET, _PORT))
        with self._lock:
            if self._closing.is_set():
                raise FleetError(f"The variant {server.variant.name} was deleted.")
            self._running = Running(group, self._folder, lambda _, line: self._on_line(line))
            return self._running

    def _wait_until_healthy(self, running: Running, client: httpx.Client) -> None:
        variant = self._server.variant
        what = f"The container for production variant {variant.name} did not pass the ping health"
        hint = "Please check CloudWatch logs for this endpoint."
        timeout = variant.startup_health_check_timeout_seconds
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            ended = running.wait(_PING_EVERY)
            if ended is not None:
                code = next(iter(ended.exit_codes.values()), None)
                how = ended.broken or f"it ended with exit code {code}"
                raise FleetError(f"{what} check: {how}. {hint}")
            if self._healthy(client):
                return
        raise FleetError(f"{what} check within {timeout} s. {hint}")

    def _watch(self, running: Running, client: httpx.Client) -> FleetError:
        """Returns why the server has to be replaced."""
        name, missed = self._server.variant.name, 0
        while running.wait(self._timing.ping_every) is None:
            if self._closing.is_set():
                running.wait()
                break
            missed = 0 if self._healthy(client) else missed + 1
            if missed == self._timing.missed_pings:
                return FleetError(
                    f"A model server of the variant {name} has missed {missed} pings in a row."
                )
        return FleetError(f"A model server of the variant {name} died.")

    def _healthy(self, client: httpx.Client) -> bool:
        try:
            answer = client.get("/ping", timeout=self._timing.ping_timeout)
        except httpx.HTTPError:
            return False
        return answer.status_code == httpx.codes.OK

    def _clean(self, socket_folder: int) -> None:
        client, self._client = self._client, None
        if client:
            client.close()
        with self._lock:
            running, self._running = self._running, None
        if running:
            if running.wait(0) is None:
                running.kill()
            running.wait()
        if socket_folder >= 0:
            os.close(socket_folder)
        shutil.rmtree(self._folder, ignore_errors=True)


def _client(socket_folder: int) -> httpx.Client:
    # By the open folder's number the path is short, wherever the folder lies.
    transport = httpx.HTTPTransport(
        uds=f"/proc/self/fd/{socket_folder}/{_SOCKET}",
        verify=False,  # no TLS here: reading its certificates takes longer than a ping
        # A connection that the server closes just as it is used again would lose a request.
        limits=httpx.Limits(max_keepalive_connections=0),
    )
    return httpx.Client(
        transport=transport,
        base_url=f"http://localhost:{_PORT}",
        headers={"accept-encoding": "identity"},
        trust_env=False,
    )
