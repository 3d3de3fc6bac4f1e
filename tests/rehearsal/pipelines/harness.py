"""The engine with everything outside it in the test's hands."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rehearsal.pipelines.engine import Engine
from rehearsal.pipelines.validation import validate
from rehearsal.settings import RehearsalSettings

from .fake_sagemaker import FakeSageMaker

PIPELINE_ARN = "arn:aws:sagemaker:us-east-1:000000000000:pipeline/tried"
_PATIENCE = 20


class Clock:
    """Each look is a second later than the one before, so that no wait takes real time."""

    def __init__(self) -> None:
        self._now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.advance(1)
        return self._now

    def advance(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)


class Reports:
    """What the engine reports, and waiting for it."""

    def __init__(self) -> None:
        self.steps: dict[str, dict[str, dict[str, Any]]] = {}
        self.history: list[tuple[str, str]] = []
        self.executions: dict[str, dict[str, Any]] = {}
        self._changed = threading.Condition()

    def record_step(self, execution_arn: str, step: dict[str, Any]) -> None:
        with self._changed:
            self.steps.setdefault(execution_arn, {})[step["StepName"]] = step
            self.history.append((step["StepName"], step["StepStatus"]))
            self._changed.notify_all()

    def change_execution(self, execution_arn: str, fields: dict[str, Any]) -> None:
        with self._changed:
            self.executions.setdefault(execution_arn, {}).update(fields)
            self._changed.notify_all()

    def wait_for(self, what: str, holds: Callable[[], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(holds, _PATIENCE), f"waited in vain for {what}"


class Harness:
    def __init__(self, state: Path, sagemaker: FakeSageMaker | None = None) -> None:
        self.sagemaker = sagemaker or FakeSageMaker()
        self.reports = Reports()
        self.clock = Clock()
        self.s3: dict[str, Any] = {}
        settings = RehearsalSettings(state=state, cache=state, port=0)
        self.engine = Engine(
            settings, self.sagemaker, self.reports, 0.01, self._read_s3, self.clock
        )
        self._count = 0

    def start(self, body: str, most_at_once: int | None = None, **parameters: str) -> str:
        """Validate and start a definition; returns the execution's ARN."""
        validate(body)
        self._count += 1
        arn = f"{PIPELINE_ARN}/execution/exec{self._count:08d}"
        execution = self._execution(arn, parameters)
        if most_at_once is not None:
            execution["ParallelismConfiguration"] = {"MaxParallelExecutionSteps": most_at_once}
        self.engine.start(execution, body)
        return arn

    def start_retry(self, arn: str, body: str, **parameters: str) -> None:
        """Retry an execution that has ended."""
        del self.reports.executions[arn]
        steps = [{"Properties": None} | step for step in self.steps(arn).values()]
        self.engine.start(self._execution(arn, parameters), body, steps)

    def retry(self, arn: str, body: str, **parameters: str) -> tuple[str, dict[str, Any]]:
        """Retry to the end; returns the status and the steps by name."""
        self.start_retry(arn, body, **parameters)
        return self.end(arn)["PipelineExecutionStatus"], self.steps(arn)

    def end(self, arn: str) -> dict[str, Any]:
        """Wait for the end; returns PipelineExecutionStatus and FailureReason."""
        self.reports.wait_for(f"the end of {arn}", lambda: arn in self.reports.executions)
        return self.reports.executions[arn]

    def run(self, body: str, **parameters: str) -> tuple[str, dict[str, dict[str, Any]]]:
        """Run to the end; returns the status and the steps by name."""
        arn = self.start(body, **parameters)
        status = self.end(arn)["PipelineExecutionStatus"]
        return status, self.steps(arn)

    def steps(self, arn: str) -> dict[str, dict[str, Any]]:
        return self.reports.steps.get(arn, {})

    def wait_for_step(self, arn: str, name: str, status: str) -> None:
        self.reports.wait_for(
            f"{name} to be {status}",
            lambda: self.steps(arn).get(name, {}).get("StepStatus") == status,
        )

    def _execution(self, arn: str, parameters: dict[str, str]) -> dict[str, Any]:
        return {
            "PipelineArn": PIPELINE_ARN,
            "PipelineName": "tried",
            "PipelineExecutionArn": arn,
            "StartTime": self.clock(),
            "PipelineParameters": [{"Name": k, "Value": v} for k, v in parameters.items()],
        }

    def _read_s3(self, uri: str) -> bytes:
        if uri not in self.s3:
            raise FileNotFoundError(uri)
        return json.dumps(self.s3[uri]).encode()
