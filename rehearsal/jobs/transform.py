"""A transform job, from its request to its end."""

import queue
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx

from rehearsal import aws
from rehearsal.backends import Change, Variant
from rehearsal.endpoints import servers
from rehearsal.endpoints.instance import Instance
from rehearsal.jobs import inputs, transform_requests
from rehearsal.jobs.failure import Cancelled, JobFailure
from rehearsal.jobs.inputs import Input, Object
from rehearsal.jobs.run import Options, Run, s3_client
from rehearsal.jobs.transform_requests import BadRecord, Transformer
from rehearsal.logs import LogWriter
from rehearsal.settings import RehearsalSettings

_LOG_GROUP = "/aws/sagemaker/TransformJobs"
_PARAMETERS_SECONDS = 5.0


class TransformJob(Run):
    """Runs a `CreateTransformJob` request on model servers of its own."""

    def __init__(
        self,
        settings: RehearsalSettings,
        request: dict[str, Any],
        variant: Variant,
        change: Change,
        options: Options,
    ) -> None:
        super().__init__(settings, request["TransformJobName"], change, options)
        self._request = request
        environment = variant.environment | transform_requests.variables(request)
        self._variant = replace(variant, environment=environment)
        self._role = aws.Role(
            settings, variant.role_arn, f"SageMaker-{self.name}", options.credential_seconds
        )
        self._instances: list[Instance] = []
        self._objects: queue.Queue[Object] = queue.Queue()
        self._bad: list[BadRecord] = []
        self._faults: list[Exception] = []

    def _end_processes(self, *, at_once: bool) -> None:
        for instance in self._instances:
            if at_once:
                instance.kill()
            else:
                instance.stop()

    def _report_end(self, status: str, fields: Mapping[str, Any]) -> None:
        self.change(
            {"TransformJobStatus": status, "TransformEndTime": datetime.now(UTC)} | dict(fields)
        )

    def _work(self) -> tuple[str, Mapping[str, Any]]:
        logs = LogWriter(self.settings, _LOG_GROUP)
        try:
            self._transform(logs)
        finally:
            for instance in self._instances:
                instance.stop()
            for instance in self._instances:
                instance.join()
            logs.close()
        return "Completed", {}

    def _transform(self, logs: LogWriter) -> None:
        s3 = s3_client(self._role)
        source = self._request["TransformInput"]["DataSource"]["S3DataSource"]
        wanted = Input.of_source("TransformInput", source, "")
        for each in inputs.find(wanted, s3, self._variant.role_arn):
            self._objects.put(each)
        self._start_servers(logs)
        if self.cancelled.is_set():
            raise Cancelled
        self.change({"TransformStartTime": datetime.now(UTC)})
        how = transform_requests.parameters(self._request, self._own_parameters())
        transformer = Transformer(
            self._request, how, s3, self.cancelled, self._options.replacement_seconds
        )
        # All instances take from one pile: none waits while another one has many left.
        workers = [
            threading.Thread(target=self._take_objects, args=(instance, transformer))
            for instance in self._instances
            for _ in range(how.concurrency)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        self._judge(logs)

    def _take_objects(self, instance: Instance, transformer: Transformer) -> None:
        while not self.cancelled.is_set() and not self._faults:
            try:
                each = self._objects.get_nowait()
            except queue.Empty:
                return
            try:
                transformer.transform(each, instance)
            except BadRecord as error:
                self._bad.append(error)  # The others are transformed all the same, as on AWS.
            except Exception as error:  # noqa: BLE001 - the job's thread judges it
                self._faults.append(error)

    def _judge(self, logs: LogWriter) -> None:
        for error in self._bad:
            logs.write(f"{self.name}/data-log", str(error))
        if self.cancelled.is_set():
            raise Cancelled
        if self._faults:
            raise self._faults[0]
        if self._bad:
            first = self._bad[0]
            raise JobFailure(
                f"{first.who}Error: {len(self._bad)} of the input files could not be transformed, "
                f"{first.location} with status {first.status}: see the log stream "
                f"{self.name}/data-log of {_LOG_GROUP}."
            )

    def _start_servers(self, logs: LogWriter) -> None:
        server = servers.prepare(self.settings, self._variant, self.folder, self._report_progress)
        began = time.time_ns() // 1_000_000
        with self._lock:
            if self.cancelled.is_set():
                raise Cancelled
            for number in range(1, self._variant.instance_count + 1):
                stream = f"{self.name}/algo-{number}-{began}"
                self._instances.append(
                    Instance(
                        server,
                        self.folder / f"algo-{number}",
                        lambda line, stream=stream: logs.write(stream, line),  # type: ignore[misc]
                    )
                )
        for instance in self._instances:
            while not instance.decided and not self.cancelled.wait(0.1):
                pass
            if self.cancelled.is_set():
                raise Cancelled
            instance.wait_until_serving()

    def _own_parameters(self) -> bytes | None:
        """What the first container says of itself; it need not."""
        try:
            answer = self._instances[0].get("/execution-parameters", _PARAMETERS_SECONDS)
        except httpx.HTTPError:
            return None
        return answer.content if answer.status_code == httpx.codes.OK else None
