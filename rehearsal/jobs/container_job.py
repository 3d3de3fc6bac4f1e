"""A job of containers that end by themselves, from its request to its end."""

import shutil
import time
from abc import abstractmethod
from collections.abc import Mapping
from enum import Enum
from typing import Any, ClassVar

from rehearsal import aws
from rehearsal.authorization import sagemaker
from rehearsal.backends import Change
from rehearsal.images import environments
from rehearsal.images.runtime import assembly
from rehearsal.images.runtime.launcher import Ended, Running
from rehearsal.images.runtime.spec import Container, Group
from rehearsal.jobs import inputs, plan, transfer
from rehearsal.jobs.failure import Cancelled, JobFailure, disk_errors
from rehearsal.jobs.job_time import Limit, Limits
from rehearsal.jobs.plan import Plan
from rehearsal.jobs.run import Options, Run, s3_client
from rehearsal.logs import LogWriter
from rehearsal.settings import RehearsalSettings

_LOOK_SECONDS = 0.2
# A file of this name in a job's folder asks for an interruption: see docs/rehearsal.md.
_INTERRUPT = "interrupt"


class Stage(Enum):
    """How far a job got."""

    STARTING = "Starting"
    DOWNLOADING = "Downloading"
    RUNNING = "Running"
    INTERRUPTED = "Interrupted"
    OUT_OF_TIME = "Stopping"


class ContainerJob(Run):
    """A job whose hosts each run its image once, to its end: processing and training.

    Attributes:
        name_member: the request's member that is the job's name: its ARN may have that in lower
            case.
        delivers_when_stopped: whether what its containers left is delivered though it was stopped.
        plan: how it is run, once its request was read.
        hosts: nobody until then: one that can't be read still ends, with a report.
        s3: a client of its role, once it has instances.
        out_of_time: the limit that ended it.
    """

    name_member: ClassVar[str]
    delivers_when_stopped: ClassVar[bool] = False

    plan: Plan
    s3: Any

    def __init__(
        self,
        settings: RehearsalSettings,
        request: dict[str, Any],
        arn: str,
        change: Change,
        options: Options,
    ) -> None:
        super().__init__(settings, request[self.name_member], change, options)
        self.request = request
        self.out_of_time: Limit | None = None
        self.role = aws.Role(
            settings, request["RoleArn"], f"SageMaker-{self.name}", options.credential_seconds
        )
        self.hosts: tuple[str, ...] = ()
        self._arn = arn
        self._interrupted = False
        self._issued: dict[str, str] = {}
        self._running: Running | None = None

    @abstractmethod
    def read(self, request: dict[str, Any], arn: str) -> Plan:
        """Plans the job.

        Raises:
            JobFailure: the request asks for what the rehearsal does not have.
        """

    @abstractmethod
    def deliver(self) -> dict[str, Any]:
        """Uploads the results; returns fields to report.

        Raises:
            JobFailure: they can't be uploaded.
            Cancelled: the job was stopped meanwhile, or closed.
        """

    @abstractmethod
    def algorithm_error(self, host: str, exit_code: int) -> str:
        """The FailureReason when a host's container ended with `exit_code`."""

    @abstractmethod
    def reached(self, stage: Stage) -> None:
        """Reports that the job got as far as `stage`."""

    def on_line(self, line: str) -> None:
        """A container wrote a line."""

    def after_run(self, lost: str | None) -> None:
        """The containers have ended, however they did; `lost` is the host whose instance was lost.

        Raises:
            JobFailure: what they left can't be kept.
        """

    def _end_processes(self, *, at_once: bool) -> None:
        if self._running and at_once:
            self._running.kill()
        elif self._running:
            self._running.stop()

    def _release(self) -> None:
        self._options.credentials.revoke(self._issued)

    def _work(self) -> tuple[str, Mapping[str, Any]]:
        self.plan = self.read(self.request, self._arn)
        self.hosts = self.plan.hosts
        self._limits = Limits(self.plan.max_runtime_seconds, self.plan.max_wait_seconds)
        return self._judge(self._attempts())

    def _attempts(self) -> Ended:
        """Runs the containers; those of a managed spot job anew after each interruption."""
        while True:
            ended = self._execute(self._prepare())
            is_interruption = self._interrupted or (ended.lost is not None and self.plan.is_spot)
            if self.cancelled.is_set() or self.out_of_time or not is_interruption:
                return ended
            self.reached(Stage.INTERRUPTED)
            if self._is_out_of_time():
                return ended

    def _is_out_of_time(self) -> bool:
        self.out_of_time = self._limits.reached()
        if self.out_of_time:
            self.reached(Stage.OUT_OF_TIME)
        return self.out_of_time is not None

    def _prepare(self) -> tuple[Container, ...]:
        self.reached(Stage.STARTING)
        self.s3 = s3_client(self.role)
        image = sagemaker.pull_image(self.settings, self.role, self.plan.image)
        sagemaker.encrypt_volume(self.role, self.plan.volume_key_id)
        sagemaker.encrypt_output(self.role, self.plan.output_key_id)
        environment = environments.ensure(
            image.program, cache=self.settings.cache, report=self._report_progress
        )
        with disk_errors("making the job's folder"):
            shutil.rmtree(self.folder, ignore_errors=True)
            self.plan.write_folders(self.folder)
        self.reached(Stage.DOWNLOADING)
        self.download()
        what = assembly.Run(
            command=assembly.command(image, self.plan.entrypoint, self.plan.arguments),
            variables=self._variables(),
            hosts=() if self._names_come_later() else self.hosts,
            linked=[each.folder for each in self.plan.inputs if each.mode == "FastFile"],
        )
        return tuple(
            assembly.container(image, environment, host, self.folder / host, what)
            for host in self.hosts
        )

    def _variables(self) -> dict[str, str]:
        region = {"AWS_REGION": self.settings.region}
        if self.plan.private_network:
            return region | dict(self.plan.variables)
        if not self._issued:
            self._issued = self._options.credentials.issue(self.role)
        endpoint = {"AWS_ENDPOINT_URL": self.settings.endpoint_url}
        return region | endpoint | self._issued | dict(self.plan.variables)

    def download(self) -> None:
        """Brings the inputs to the hosts.

        Raises:
            JobFailure: see `inputs.find` and `transfer.download`.
            Cancelled: the job was stopped.
        """
        for each in self.plan.inputs:
            self.download_input(each)

    def download_input(self, wanted: inputs.Input, *, required: bool = True) -> None:
        """Brings one input to the hosts; `required` says whether there must be an object."""
        found = inputs.find(wanted, self.s3, self.role.arn, required=required)
        inputs.try_listing(wanted, found, self.s3, self.role.arn)
        shares = inputs.shares(found, wanted.distribution, len(self.hosts))
        is_linked = wanted.mode == "FastFile"
        place = assembly.linked if is_linked else plan.on_machine
        bring = transfer.link if is_linked else transfer.download
        folders = [place(self.folder / host, wanted.folder) for host in self.hosts]
        bring(list(zip(folders, shares, strict=True)), self.s3, self.cancelled, wanted.name)

    def _execute(self, containers: tuple[Container, ...]) -> Ended:
        began = time.time_ns() // 1_000_000
        self._open_logs(began)
        logs = LogWriter(self.settings, self.plan.log_group, self.role)

        def on_line(host: str, line: str) -> None:
            logs.write(f"{self.name}/{host}-{began}", line)
            self.on_line(line)

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

    def _open_logs(self, began: int) -> None:
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

    def _judge(self, ended: Ended) -> tuple[str, Mapping[str, Any]]:
        if self.out_of_time or self.cancelled.is_set():
            # Of instances that are gone there is nothing to have.
            is_gone = ended.lost or self._interrupted or self.closed.is_set()
            fields = self.deliver() if self.delivers_when_stopped and not is_gone else {}
            if self.out_of_time:
                fields = fields | {"FailureReason": self._limits.sentence(self.out_of_time)}
            return "Stopped", fields
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
