"""One job, from its request to its end."""

from __future__ import annotations

import json
import logging
import shutil
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, ClassVar

from botocore.exceptions import BotoCoreError, ClientError

from rehearsal import aws
from rehearsal.authorization import sagemaker
from rehearsal.authorization.sagemaker import AccessDenied
from rehearsal.backends import Change
from rehearsal.images import environments
from rehearsal.images.errors import ImageError
from rehearsal.images.runtime import assembly
from rehearsal.images.runtime.launcher import Ended, Running
from rehearsal.images.runtime.namespaces import NamespaceError
from rehearsal.images.runtime.spec import Container, Group
from rehearsal.jobs import inputs, plan, transfer
from rehearsal.jobs.credentials import CredentialsEndpoint
from rehearsal.jobs.failure import JobFailure, disk_errors
from rehearsal.jobs.limits import Limit, Limits
from rehearsal.jobs.plan import Plan
from rehearsal.jobs.transfer import Cancelled
from rehearsal.logs import LogWriter
from rehearsal.settings import RehearsalSettings

_log = logging.getLogger(__name__)

_LOOK_SECONDS = 0.2
# A file of this name in a job's folder asks for an interruption: see docs/rehearsal.md.
_INTERRUPT = "interrupt"


class Stage(Enum):
    """How far a job got."""

    STARTING = "Starting"
    DOWNLOADING = "Downloading"
    RUNNING = "Running"
    INTERRUPTED = "Interrupted"


@dataclass(frozen=True)
class Options:
    """How a job is run here.

    Attributes:
        folder: the job's own, made and removed by it.
        grace_seconds: from SIGTERM to SIGKILL.
        keep_folder: it stays when the job has ended.
        credentials: where its containers have their role's credentials from.
        credential_seconds: how long those that STS gives the role live.
    """

    folder: Path
    grace_seconds: float
    keep_folder: bool
    credentials: CredentialsEndpoint
    credential_seconds: int


class Job(ABC):
    """Runs one request in a thread of its own; reports as `rehearsal.backends.JobBackend` says."""

    name_member: ClassVar[str]
    """The request's member that is the job's name: its ARN may have that in lower case."""

    plan: Plan
    s3: Any

    def __init__(
        self,
        settings: RehearsalSettings,
        request: dict[str, Any],
        arn: str,
        change: Change,
        options: Options,
    ):
        self.settings = settings
        self.request = request
        self.change = change
        self.folder = options.folder
        self.cancelled = threading.Event()
        self.closed = threading.Event()
        self.out_of_time: Limit | None = None
        self.name: str = request[self.name_member]
        self.role = aws.Role(
            settings, request["RoleArn"], f"SageMaker-{self.name}", options.credential_seconds
        )
        # Nobody until the request is read: one that can't be read still ends, with a report.
        self.hosts: tuple[str, ...] = ()
        self._arn = arn
        self._options = options
        self._interrupted = False
        self._lent: dict[str, str] = {}
        self._running: Running | None = None
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name=arn, daemon=True)

    # What the two kinds of job say.

    @abstractmethod
    def read(self, request: dict[str, Any], arn: str) -> Plan:
        """Raises:
        JobFailure: the request asks for what the rehearsal does not have.
        """

    @abstractmethod
    def deliver(self) -> dict[str, Any]:
        """Uploads the results of a job that succeeded; returns fields to report.

        Raises:
            JobFailure: they can't be uploaded.
            Cancelled: the job was stopped meanwhile, or closed.
        """

    def deliver_stopped(self) -> dict[str, Any]:
        """The same for a job that was stopped, or whose time was over, once its containers ran."""
        return {}

    @abstractmethod
    def ended(self, status: str, fields: Mapping[str, Any]) -> None:
        """Reports the end: `Completed`, `Failed` or `Stopped`."""

    @abstractmethod
    def algorithm_error(self, host: str, exit_code: int) -> str:
        """The FailureReason when a host's container ended with `exit_code`."""

    @abstractmethod
    def reached(self, stage: Stage) -> None:
        """Reports that the job got as far as `stage`."""

    def heard(self, line: str) -> None:  # noqa: B027 - a hook
        """A container wrote a line."""

    def after_run(self, lost: str | None) -> None:  # noqa: B027 - a hook
        """The containers have ended, however they did; `lost` is the host whose instance was lost.

        Raises:
            JobFailure: what they left can't be kept.
        """

    def stopping(self) -> None:  # noqa: B027 - a hook
        """The job is stopped, as its time is over."""

    # What the backend calls.

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """SIGTERM, the grace time, SIGKILL; a job that does not run yet ends before it does."""
        with self._lock:
            self.cancelled.set()
            if self._running:
                self._running.stop()

    def close(self) -> None:
        """Ends the job at once, without a report."""
        with self._lock:
            self.closed.set()
            self.cancelled.set()
            if self._running:
                self._running.kill()

    def join(self) -> None:
        self._thread.join()

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    # The thread.

    def _run(self) -> None:
        try:
            status, fields = self._outcome()
            if not self.closed.is_set():
                self._report_end(status, fields)
        except Exception:  # noqa: BLE001 - the last who could say it
            _log.exception("The end of %s could not be reported.", self._arn)
        finally:
            self._options.credentials.take_back(self._lent)
            if not self._options.keep_folder:
                shutil.rmtree(self.folder, ignore_errors=True)

    def _report_end(self, status: str, fields: Mapping[str, Any]) -> None:
        try:
            self.ended(status, fields)
        except Exception as error:  # noqa: BLE001 - it must not seem to run for ever
            _log.exception("The end of %s could not be reported: it fails.", self._arn)
            self.ended("Failed", {"FailureReason": f"InternalServerError: {error}"})

    def _outcome(self) -> tuple[str, Mapping[str, Any]]:
        try:
            self.plan = self.read(self.request, self._arn)
            self.hosts = self.plan.hosts
            self._limits = Limits(self.plan.max_runtime_seconds, self.plan.max_wait_seconds)
            return self._judge(self._attempts())
        except Cancelled:
            return "Stopped", {}
        except (JobFailure, ImageError, NamespaceError, AccessDenied) as error:
            return "Failed", {"FailureReason": str(error)}
        except Exception as error:  # noqa: BLE001 - a fault of ours must end the job, too
            _log.exception("%s failed.", self._arn)
            return "Failed", {"FailureReason": f"InternalServerError: {error}"}

    def _attempts(self) -> Ended:
        """Runs the containers; those of a managed spot job anew after each interruption."""
        while True:
            ended = self._execute(self._prepare())
            if self.cancelled.is_set() or self.out_of_time or not self._is_interruption(ended):
                return ended
            self.reached(Stage.INTERRUPTED)
            if self._is_out_of_time():
                return ended

    def _is_interruption(self, ended: Ended) -> bool:
        return self._interrupted or (ended.lost is not None and self.plan.is_spot)

    def _is_out_of_time(self) -> bool:
        self.out_of_time = self._limits.reached()
        if self.out_of_time:
            self.stopping()
        return self.out_of_time is not None

    def _prepare(self) -> tuple[Container, ...]:
        self.reached(Stage.STARTING)
        self._assume()
        image = sagemaker.pull_image(self.settings, self.role, self.plan.image)
        sagemaker.encrypt_volume(self.role, self.plan.volume_key_id)
        sagemaker.encrypt_output(self.role, self.plan.output_key_id)
        environment = environments.ensure(
            image.program, cache=self.settings.cache, report=self._progress
        )
        self.s3 = self.role.client("s3")
        with disk_errors("making the job's folder"):
            shutil.rmtree(self.folder, ignore_errors=True)
            self._write_folders()
        self.reached(Stage.DOWNLOADING)
        self.download()
        what = assembly.Run(
            command=assembly.command(image, self.plan.entrypoint, self.plan.arguments),
            variables=self._variables(),
            hosts=() if self._names_come_later() else self.hosts,
        )
        return tuple(
            assembly.container(
                image,
                environment,
                host,
                self.folder / host,
                what,
            )
            for host in self.hosts
        )

    def _progress(self, line: str) -> None:
        if self.cancelled.is_set():
            raise Cancelled
        _log.info("%s", line)

    def _assume(self) -> None:
        try:
            _ = self.role.credentials
        except (ClientError, BotoCoreError) as error:
            raise JobFailure(
                f"ClientError: the role {self.plan.role_arn} can't be assumed: {error}"
            ) from error

    def _variables(self) -> dict[str, str]:
        region = {"AWS_REGION": self.settings.region}
        if self.plan.private_network:
            return region | dict(self.plan.variables)
        if not self._lent:
            self._lent = self._options.credentials.lend(self.role)
        endpoint = {"AWS_ENDPOINT_URL": self.settings.endpoint_url}
        return region | endpoint | self._lent | dict(self.plan.variables)

    def _write_folders(self) -> None:
        for host in self.hosts:
            for path in self.plan.folders:
                plan.on_machine(self.folder / host, path).mkdir(parents=True, exist_ok=True)
            for path, value in self.plan.files(host).items():
                file = plan.on_machine(self.folder / host, path)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(json.dumps(value, default=str), encoding="utf-8")

    def download(self) -> None:
        """Brings the inputs to the hosts.

        Raises:
            JobFailure: see `inputs.find` and `transfer.download`.
            Cancelled: the job was stopped.
        """
        for each in self.plan.inputs:
            self.bring(each)

    def bring(self, wanted: inputs.Input, *, required: bool = True) -> None:
        """Brings one input to the hosts; `required` says whether there must be an object."""
        found = inputs.find(wanted, self.s3, self.plan.role_arn, required=required)
        inputs.try_listing(wanted, found, self.s3, self.plan.role_arn)
        shares = inputs.shares(found, wanted.distribution, len(self.hosts))
        folders = [plan.on_machine(self.folder / host, wanted.folder) for host in self.hosts]
        transfer.download(
            list(zip(folders, shares, strict=True)), self.s3, self.cancelled, wanted.name
        )

    def _execute(self, containers: tuple[Container, ...]) -> Ended:
        began = time.time_ns() // 1_000_000
        self._report(began)
        logs = LogWriter(self.settings, self.plan.log_group, self.role)

        def on_line(host: str, line: str) -> None:
            logs.write(f"{self.name}/{host}-{began}", line)
            self.heard(line)

        group = Group(
            containers,
            self.plan.private_network,
            self._options.grace_seconds,
            dead_interface=self.settings.modes.dead_interface,
        )
        lost = None
        try:
            with self._lock:
                if self.cancelled.is_set():
                    raise Cancelled
                running = self._running = Running(group, self.folder, on_line)
            ended = self._follow(running)
            lost = ended.lost
            return ended
        finally:
            logs.close()
            self.after_run(lost)
            if logs.denied:
                raise JobFailure(f"ClientError: {logs.denied}")

    def _follow(self, running: Running) -> Ended:
        try:
            self.reached(Stage.RUNNING)
            return self._wait(running)
        except BaseException:
            # Nobody else would end the containers of a job that has.
            running.kill()
            running.wait()
            raise

    def _report(self, began: int) -> None:
        """Makes the log streams and publishes what can be said of the hosts before they start."""
        for host in self.hosts:
            sagemaker.write_logs(self.role, self.plan.log_group, f"{self.name}/{host}-{began}")
            dimensions = [{"Name": "Host", "Value": f"{self.name}/{host}"}]
            sagemaker.put_disk_use(self.role, self.plan.log_group, dimensions, self.folder)

    def _wait(self, running: Running) -> Ended:
        self._interrupted = False
        self._limits.containers_run()
        named_at = time.monotonic() + self.settings.modes.late_names
        has_names = not self._names_come_later()
        ended = running.wait(_LOOK_SECONDS)
        while ended is None:
            if not has_names and self.plan.names_hosts and time.monotonic() >= named_at:
                self._name_hosts()
                has_names = True
            if self._is_out_of_time() or self._is_interruption_asked():
                running.stop()
                ended = running.wait()
                break
            ended = running.wait(_LOOK_SECONDS)
        self._limits.containers_ended()
        if ended is None:
            raise JobFailure("InternalServerError: the containers ended without a word.")
        return ended

    def _names_come_later(self) -> bool:
        return not self.plan.names_hosts or self.settings.modes.late_names > 0

    def _name_hosts(self) -> None:
        for host in self.hosts:
            assembly.name_hosts(self.folder / host, self.hosts)

    def _is_interruption_asked(self) -> bool:
        self._interrupted = self.plan.is_spot and (self.folder / _INTERRUPT).exists()
        return self._interrupted

    def _deliver_stopped(self, ended: Ended) -> dict[str, Any]:
        # Of instances that are gone there is nothing to have.
        is_gone = ended.lost or self._interrupted or self.closed.is_set()
        return {} if is_gone else self.deliver_stopped()

    def _judge(self, ended: Ended) -> tuple[str, Mapping[str, Any]]:
        if self.out_of_time:
            reason = {"FailureReason": self._limits.sentence(self.out_of_time)}
            return "Stopped", self._deliver_stopped(ended) | reason
        if self.cancelled.is_set():
            return "Stopped", self._deliver_stopped(ended)
        if ended.broken:
            raise JobFailure(f"InternalServerError: {ended.broken}")
        if ended.lost:
            raise JobFailure(
                f"InternalServerError: We encountered an internal error: the instance "
                f"of {ended.lost} was lost. Please try again."
            )
        if ended.first_failed is not None:
            code = ended.exit_codes[ended.first_failed]
            raise JobFailure(self.algorithm_error(ended.first_failed, code))
        return "Completed", self.deliver()
