"""One execution of a pipeline: which steps run when, and how it ends.

A failed step keeps further ones from starting; those that run are waited for. The reason of a
failed execution is AWS's own sentence; the steps tell why.
"""

import logging
import threading
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from rehearsal.pipelines.definition import Definition, Value
from rehearsal.pipelines.expressions import Scope, evaluate, property_file_uri, read_json
from rehearsal.pipelines.graph import upstream, without
from rehearsal.pipelines.step_run import Services, StepRun

log = logging.getLogger(__name__)

_FAILURE = "Step failure: One or multiple steps failed."


class Execution:
    """Runs in the thread that calls `run`; `stop` and `abandon` may be called from any other."""

    def __init__(
        self,
        execution: Mapping[str, Any],
        definition: Definition,
        parameters: Mapping[str, Value],
        services: Services,
    ) -> None:
        self._execution = execution
        self._definition = definition
        self._parameters = parameters
        self._services = services
        self._arn: str = execution["PipelineExecutionArn"]
        self._graph = upstream(definition)
        self._runs = {
            name: StepRun(step, execution, services, self._scope)
            for name, step in definition.steps.items()
        }
        self._wake = threading.Event()
        self._stopping = False
        self._abandoned = False

    def keep_successes(self, steps: Iterable[Mapping[str, Any]]) -> None:
        """Before `run`: take what earlier succeeded as it is, as recorded; the rest runs again."""
        for step in steps:
            if step["StepStatus"] == "Succeeded":
                self._runs[step["StepName"]].succeed_as_before(step["Properties"] or {})

    def run(self) -> None:
        """Run to the end and report it; an error of the engine itself fails the execution."""
        try:
            self._run()
        except Exception as error:
            log.exception("execution %s broke the engine", self._arn)
            if not self._abandoned:
                self._report_end("Failed", f"The rehearsal's pipeline engine failed: {error!r}.")

    def stop(self) -> None:
        """Start no further step, stop those that run, end as Stopped."""
        self._stopping = True
        self._wake.set()

    def abandon(self) -> None:
        """Let `run` return soon, without a report; the jobs' backend ends the jobs."""
        self._abandoned = True
        self._wake.set()

    def _run(self) -> None:
        while not self._abandoned:
            for run in self._running():
                run.advance()
            if self._stopping:
                for run in self._running():
                    run.stop()
            else:
                self._begin_ready()
            if not self._running() and not self._abandoned:
                self._report_end(*self._ending())
                return
            self._wake.wait(self._services.poll_seconds)
            self._wake.clear()

    def _begin_ready(self) -> None:
        # Conditions are over at once and make other steps ready: hence the loop.
        while not (self._stopping or self._abandoned or self._has_failed()):
            room = self._most_at_once() - len(self._running())
            ready = self._ready()[: max(room, 0)]
            if not ready:
                return
            for run in ready:
                run.begin()

    def _ready(self) -> list[StepRun]:
        left_out = self._not_taken()
        return [
            run
            for name, run in self._runs.items()
            if run.status == "Waiting"
            and name not in left_out
            and all(self._runs[before].status == "Succeeded" for before in self._graph[name])
        ]

    def _not_taken(self) -> frozenset[str]:
        """Steps in branches that were not taken, and all that wait for them."""
        untaken = (
            name
            for name, branch in self._definition.branches.items()
            if self._runs[branch.condition].status == "Succeeded"
            and self._runs[branch.condition].properties["Outcome"] is not branch.outcome
        )
        return without(self._graph, frozenset(untaken))

    def _running(self) -> list[StepRun]:
        return [run for run in self._runs.values() if run.is_running]

    def _has_failed(self) -> bool:
        return any(run.status in ("Failed", "Stopped") for run in self._runs.values())

    def _most_at_once(self) -> int:
        parallelism = self._execution.get("ParallelismConfiguration") or {}
        return int(parallelism.get("MaxParallelExecutionSteps") or len(self._runs))

    def _ending(self) -> tuple[str, str | None]:
        if self._stopping:
            return "Stopped", None
        return ("Failed", _FAILURE) if self._has_failed() else ("Succeeded", None)

    def _report_end(self, status: str, reason: str | None) -> None:
        fields = {"PipelineExecutionStatus": status}
        if reason is not None:
            fields["FailureReason"] = reason
        self._services.reports.change_execution(self._arn, fields)

    def _scope(self) -> Scope:
        scope = Scope(
            parameters=self._parameters,
            execution=self._variables(),
            experiment={},
            properties=lambda step: self._runs[step].properties,
            property_file=self._property_file,
            json_at=lambda uri: read_json(uri, self._services.read_s3),
        )
        return replace(scope, experiment=evaluate(dict(self._definition.experiment), scope))

    def _variables(self) -> dict[str, str]:
        return {
            "PipelineName": self._execution["PipelineName"],
            "PipelineArn": self._execution["PipelineArn"],
            "PipelineExecutionId": self._arn.rpartition("/")[2],
            "PipelineExecutionArn": self._arn,
            "StartDateTime": self._execution["StartTime"].isoformat(),
            "CurrentDateTime": self._services.now().isoformat(),
        }

    def _property_file(self, step: str, name: str) -> Any:
        uri = property_file_uri(self._definition.steps[step], name, self._runs[step].properties)
        return read_json(uri, self._services.read_s3)
