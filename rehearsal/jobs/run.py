"""The life of a job, of whatever kind, and the jobs that run."""

import logging
import shutil
import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from rehearsal.authorization.sagemaker import AccessDenied
from rehearsal.aws import Role
from rehearsal.backends import Change
from rehearsal.endpoints.errors import FleetError
from rehearsal.errors import ApiError
from rehearsal.images.errors import ImageError
from rehearsal.images.runtime.namespaces import NamespaceError
from rehearsal.jobs.credentials import CredentialsEndpoint
from rehearsal.jobs.failure import Cancelled, JobFailure
from rehearsal.settings import RehearsalSettings

_log = logging.getLogger(__name__)
# One sentence each, which becomes the FailureReason.
_FAILURES = (JobFailure, ImageError, NamespaceError, AccessDenied, FleetError)


@dataclass(frozen=True)
class Options:
    """How a job is run here.

    Attributes:
        folder: the job's own, made and removed by it.
        grace_seconds: from SIGTERM to SIGKILL.
        credentials: where its containers have their role's credentials from.
        credential_seconds: how long those that STS gives its role live.
        replacement_seconds: that a transform job's server which died may take to be there again.
    """

    folder: Path
    grace_seconds: float
    credentials: CredentialsEndpoint
    credential_seconds: int
    replacement_seconds: float


class Run(ABC):
    """One job, in a thread of its own: it prepares, works and is judged, or is stopped.

    Attributes:
        change: tells of the job, as `rehearsal.backends.JobBackend` says.
        folder: its own, on the machine; gone when it has ended.
        cancelled: set when it is to end before it is done.
        closed: set when it is to end at once, without a report.
    """

    def __init__(
        self, settings: RehearsalSettings, name: str, change: Change, options: Options
    ) -> None:
        self.settings = settings
        self.name = name
        self.change = change
        self.folder = options.folder
        self.cancelled = threading.Event()
        self.closed = threading.Event()
        self._options = options
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._live, name=name, daemon=True)

    @abstractmethod
    def _work(self) -> tuple[str, Mapping[str, Any]]:
        """Does the whole job.

        Returns:
            its status, `Completed` or `Stopped`, and fields to report.

        Raises:
            Cancelled: it was cancelled before there was something to deliver.
            Exception: it failed; what is not one of the job's own errors is a fault of ours.
        """

    @abstractmethod
    def _end_processes(self, *, at_once: bool) -> None:
        """SIGTERM, or SIGKILL `at_once`, to what runs, if something does; called with `_lock` held,
        from any thread. What starts processes takes the lock and looks at `cancelled` first.
        """

    @abstractmethod
    def _report_end(self, status: str, fields: Mapping[str, Any]) -> None:
        """Reports the end: `Completed`, `Failed` or `Stopped`."""

    def _release(self) -> None:  # noqa: B027 - a hook
        """Gives back what the job borrowed; it has ended."""

    @property
    def is_running(self) -> bool:
        """Whether it has started and not ended."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Lets it run; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """SIGTERM, the grace time, SIGKILL; a job that does not run yet ends before it does."""
        with self._lock:
            self.cancelled.set()
            self._end_processes(at_once=False)

    def close(self) -> None:
        """Ends the job at once, without a report."""
        with self._lock:
            self.closed.set()
            self.cancelled.set()
            self._end_processes(at_once=True)

    def join(self) -> None:
        """Waits until it has ended."""
        self._thread.join()

    def _report_progress(self, line: str) -> None:
        """Logs what is being made for the job.

        Raises:
            Cancelled: nobody waits for it any more.
        """
        if self.cancelled.is_set():
            raise Cancelled
        _log.info("%s", line)

    def _live(self) -> None:
        try:
            status, fields = self._outcome()
            if not self.closed.is_set():
                self._report(status, fields)
        except Exception:  # noqa: BLE001 - the last who could say it
            _log.exception("The end of %s could not be reported.", self.name)
        finally:
            self._release()
            shutil.rmtree(self.folder, ignore_errors=True)

    def _outcome(self) -> tuple[str, Mapping[str, Any]]:
        try:
            return self._work()
        except Cancelled:
            return "Stopped", {}
        except _FAILURES as error:
            return "Failed", {"FailureReason": str(error)}
        except Exception as error:  # noqa: BLE001 - a fault of ours must end the job, too
            _log.exception("%s failed.", self.name)
            return "Failed", {"FailureReason": f"InternalServerError: {error}"}

    def _report(self, status: str, fields: Mapping[str, Any]) -> None:
        try:
            self._report_end(status, fields)
        except Exception as error:  # noqa: BLE001 - it must not seem to run for ever
            _log.exception("The end of %s could not be reported: it fails.", self.name)
            self._report_end("Failed", {"FailureReason": f"InternalServerError: {error}"})


class Runs:
    """The jobs that run, by ARN; those that are over are forgotten as others come."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._runs: dict[str, Run] = {}
        self._closed = False

    def start(self, arn: str, run: Run) -> None:
        """Lets a job run.

        Raises:
            ApiError: they were closed; nobody would end this one.
        """
        with self._lock:
            if self._closed:
                raise ApiError(
                    "ServiceUnavailable",
                    f"The rehearsal is being stopped and does not start {arn}: start the "
                    "rehearsal and then the job again.",
                    503,
                )
            # At once: to another start, one that does not run yet would be one that is over.
            run.start()
            self._runs = {key: each for key, each in self._runs.items() if each.is_running}
            self._runs[arn] = run

    def stop(self, arn: str) -> None:
        """Asks a job to end; an unknown ARN is no error."""
        with self._lock:
            run = self._runs.get(arn)
        if run:
            run.stop()

    def close(self) -> None:
        """Ends all and waits for them; none starts from then on."""
        with self._lock:
            self._closed = True
            runs = list(self._runs.values())
        for run in runs:
            run.close()
        for run in runs:
            run.join()


def s3_client(role: Role) -> Any:
    """S3 as a job's role.

    Raises:
        JobFailure: the role can't be assumed.
    """
    try:
        return role.client("s3")
    except (ClientError, BotoCoreError) as error:
        raise JobFailure(f"ClientError: the role {role.arn} can't be assumed: {error}") from error
