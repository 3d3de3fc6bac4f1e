"""One transform job, from its request to its end."""

from __future__ import annotations

import logging
import queue
import shutil
import threading
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from botocore.exceptions import BotoCoreError, ClientError

from rehearsal import aws
from rehearsal.backends import Change, Variant
from rehearsal.endpoints import servers
from rehearsal.endpoints.errors import FleetError
from rehearsal.endpoints.instance import Instance
from rehearsal.images.errors import ImageError
from rehearsal.jobs import inputs
from rehearsal.jobs import transform_parameters as parameters
from rehearsal.jobs.failure import JobFailure
from rehearsal.jobs.inputs import Input, Object
from rehearsal.jobs.transform_records import BadRecord, Transformer
from rehearsal.logs import LogWriter
from rehearsal.settings import RehearsalSettings

_log = logging.getLogger(__name__)
_LOG_GROUP = "/aws/sagemaker/TransformJobs"
_PARAMETERS_SECONDS = 5.0


class _Stopped(Exception):  # noqa: N818 - no error: it was asked for
    """The job is stopped."""


@dataclass(frozen=True)
class Options:
    """How a job is run here.

    Attributes:
        folder: the job's own, made and removed by it.
        credential_seconds: how long those that STS gives the model's role live.
        replacement_seconds: that a server which died may take to be there again.
    """

    folder: Path
    credential_seconds: int
    replacement_seconds: float


class TransformJob:
    """Runs one request in threads of its own; reports as `rehearsal.backends.TransformBackend`
    says.
    """

    def __init__(
        self,
        settings: RehearsalSettings,
        request: dict[str, Any],
        variant: Variant,
        change: Change,
        options: Options,
    ) -> None:
        self._settings = settings
        self._request = request
        self._name = request["TransformJobName"]
        own = variant.environment | parameters.variables(request)
        self._variant = replace(variant, environment=own)
        self._change = change
        self._options = options
        self._folder = options.folder
        self._role = aws.Role(
            settings, variant.role_arn, f"SageMaker-{self._name}", options.credential_seconds
        )
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._closed = False
        self._instances: list[Instance] = []
        self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """SIGTERM to the servers; returns at once. What was transformed stays."""
        self._stopped.set()
        with self._lock:
            for instance in self._instances:
                instance.stop()

    def close(self) -> None:
        """Ends the job at once, without a report."""
        self._closed = True
        self._stopped.set()
        with self._lock:
            for instance in self._instances:
                instance.kill()

    def join(self) -> None:
        self._thread.join()

    def _run(self) -> None:
        try:
            status, fields = self._outcome()
        except Exception as error:  # noqa: BLE001 - its servers or logs did not end as they should
            _log.exception("The transform job %s did not end in order.", self._name)
            status, fields = "Failed", {"FailureReason": f"InternalServerError: {error}"}
        shutil.rmtree(self._folder, ignore_errors=True)
        if self._closed:
            return
        try:
            self._report_end(status, fields)
        except Exception as error:  # noqa: BLE001 - it must not seem to run for ever
            _log.exception("The end of the transform job %s could not be reported.", self._name)
            self._report_end("Failed", {"FailureReason": f"InternalServerError: {error}"})

    def _report_end(self, status: str, fields: dict[str, Any]) -> None:
        self._change({"TransformJobStatus": status, "TransformEndTime": datetime.now(UTC)} | fields)

    def _outcome(self) -> tuple[str, dict[str, Any]]:
        logs = LogWriter(self._settings, _LOG_GROUP)
        try:
            self._transform(logs)
        except _Stopped:
            return "Stopped", {}
        except (JobFailure, ImageError, FleetError) as error:
            return "Failed", {"FailureReason": str(error)}
        except Exception as error:  # noqa: BLE001 - a fault of ours must end the job, too
            _log.exception("The transform job %s failed.", self._name)
            return "Failed", {"FailureReason": f"InternalServerError: {error}"}
        finally:
            self._end_servers()
            logs.close()
        return "Completed", {}

    def _transform(self, logs: LogWriter) -> None:
        s3 = self._s3()
        objects: queue.Queue[Object] = queue.Queue()
        for each in self._objects(s3):
            objects.put(each)
        self._start_servers(logs)
        if self._stopped.is_set():
            raise _Stopped
        self._change({"TransformStartTime": datetime.now(UTC)})
        how = parameters.of(self._request, self._asked())
        transformer = Transformer(
            self._request, how, s3, self._stopped, self._options.replacement_seconds
        )
        bad: list[BadRecord] = []
        faults: list[Exception] = []
        # All instances take from one pile: none waits while another one has many left.
        workers = [
            threading.Thread(target=self._work, args=(instance, transformer, objects, bad, faults))
            for instance in self._instances
            for _ in range(how.concurrency)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        self._judge(logs, bad, faults)

    def _work(
        self,
        instance: Instance,
        transformer: Transformer,
        objects: queue.Queue[Object],
        bad: list[BadRecord],
        faults: list[Exception],
    ) -> None:
        while not self._stopped.is_set() and not faults:
            try:
                each = objects.get_nowait()
            except queue.Empty:
                return
            try:
                transformer.transform(each, instance)
            except BadRecord as error:
                bad.append(error)  # The others are transformed all the same, as on AWS.
            except Exception as error:  # noqa: BLE001 - the job's thread judges it
                faults.append(error)

    def _judge(self, logs: LogWriter, bad: list[BadRecord], faults: list[Exception]) -> None:
        for error in bad:
            logs.write(f"{self._name}/data-log", str(error))
        if self._stopped.is_set():
            raise _Stopped
        if faults:
            raise faults[0]
        if bad:
            raise JobFailure(
                f"{bad[0].who}Error: {len(bad)} of the input files could not be transformed, "
                f"{bad[0].location} with status {bad[0].status}: see the log stream "
                f"{self._name}/data-log of {_LOG_GROUP}."
            )

    def _s3(self) -> Any:
        try:
            return self._role.client("s3")
        except (ClientError, BotoCoreError) as error:
            raise JobFailure(
                f"ClientError: the role {self._role.arn} can't be assumed: {error}"
            ) from error

    def _objects(self, s3: Any) -> list[Object]:
        source = self._request["TransformInput"]["DataSource"]["S3DataSource"]
        wanted = Input("TransformInput", source["S3Uri"], "", source["S3DataType"])
        return inputs.find(wanted, s3, self._variant.role_arn)

    def _start_servers(self, logs: LogWriter) -> None:
        server = servers.prepare(self._settings, self._variant, self._folder, self._progress)
        began = time.time_ns() // 1_000_000
        with self._lock:
            if self._stopped.is_set():
                raise _Stopped
            for number in range(1, self._variant.instance_count + 1):
                stream = f"{self._name}/algo-{number}-{began}"
                self._instances.append(
                    Instance(
                        server,
                        self._folder / f"algo-{number}",
                        lambda line, stream=stream: logs.write(stream, line),  # type: ignore[misc]
                    )
                )
        for instance in self._instances:
            while not instance.decided and not self._stopped.wait(0.1):
                pass
            if self._stopped.is_set():
                raise _Stopped
            instance.wait_until_serving()

    def _progress(self, line: str) -> None:
        if self._stopped.is_set():
            raise _Stopped
        _log.info("%s", line)

    def _asked(self) -> bytes | None:
        """What the first container says of itself; it need not."""
        try:
            answer = self._instances[0].get("/execution-parameters", _PARAMETERS_SECONDS)
        except httpx.HTTPError:
            return None
        return answer.content if answer.status_code == httpx.codes.OK else None

    def _end_servers(self) -> None:
        for instance in self._instances:
            instance.stop()
        for instance in self._instances:
            instance.join()
