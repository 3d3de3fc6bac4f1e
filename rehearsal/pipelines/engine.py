"""Runs pipeline executions, a thread each: the API's pipeline backend."""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from rehearsal.backends import Call, ExecutionReports
from rehearsal.errors import validation
from rehearsal.pipelines.cache import StepCache
from rehearsal.pipelines.definition import parse, resolve
from rehearsal.pipelines.execution import Execution
from rehearsal.pipelines.expressions import ReadS3, s3_reader
from rehearsal.pipelines.step_run import Services
from rehearsal.settings import RehearsalSettings

AsRole = Callable[[dict[str, Any]], tuple[Call, ReadS3]]

log = logging.getLogger(__name__)


class Engine:
    """See rehearsal.backends.PipelineBackend.

    Args:
        settings: where the cache of steps lies.
        poll_seconds: between two looks at running jobs.
        read_s3: the rehearsal's S3, unless given.
        now: the real clock, unless given.
        as_role: how an execution calls SageMaker and reads S3 as its pipeline's role; by default
            all call by `call`.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - each is another part
        self,
        settings: RehearsalSettings,
        call: Call,
        reports: ExecutionReports,
        poll_seconds: float = 0.2,
        read_s3: ReadS3 | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        as_role: AsRole | None = None,
    ) -> None:
        settings.state.mkdir(parents=True, exist_ok=True)
        self._cache = StepCache(settings.state / "step-cache.sqlite")
        read_s3 = read_s3 or s3_reader(settings)
        self._services = Services(call, reports, self._cache, read_s3, now, poll_seconds)
        self._as_role = as_role
        self._lock = threading.Lock()
        self._running: dict[str, tuple[Execution, threading.Thread]] = {}
        self._closed = False

    def start(
        self,
        execution: dict[str, Any],
        definition: str,
        earlier: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        """Starts an execution, or with its earlier steps retries it, and returns at once.

        Raises:
            ApiError: ValidationException, the definition or a parameter is wrong.
        """
        arn = execution["PipelineExecutionArn"]
        if execution.get("SelectiveExecutionConfig"):
            raise validation(
                "The rehearsal runs all steps of a pipeline: leave SelectiveExecutionConfig out."
            )
        parsed = parse(definition)
        parameters = resolve(parsed, execution.get("PipelineParameters") or ())
        run = Execution(execution, parsed, parameters, self._services_of(execution))
        run.keep_successes(earlier)
        thread = threading.Thread(target=self._run, args=(arn, run), name=arn, daemon=True)
        with self._lock:
            if self._closed:
                raise RuntimeError(f"the engine is closed: {arn} was not started")
            self._running[arn] = (run, thread)
            thread.start()

    def stop(self, execution_arn: str) -> None:
        """Stops an execution; of one that does not run, no error. Returns at once."""
        with self._lock:
            found = self._running.get(execution_arn)
        if found is not None:
            found[0].stop()

    def close(self) -> None:
        """Ends all executions without a report and waits for their threads."""
        with self._lock:
            self._closed = True
            running = list(self._running.values())
        for run, _ in running:
            run.abandon()
        for _, thread in running:
            thread.join()
        self._cache.close()

    def _services_of(self, execution: dict[str, Any]) -> Services:
        if self._as_role is None:
            return self._services
        call, read_s3 = self._as_role(execution)
        return replace(self._services, call=call, read_s3=read_s3)

    def _run(self, arn: str, run: Execution) -> None:
        log.info("execution %s: started", arn)
        run.run()
        log.info("execution %s: over", arn)
        with self._lock:
            # A retry may have begun as soon as the end was reported.
            if self._running.get(arn, (None,))[0] is run:
                del self._running[arn]
