"""What is told of what happened."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from . import logs, rollbacks, words
from .costs import Prices
from .executions import Executions
from .ledger import Ledger
from .metrics import IMAGES_PER_SECOND, Metrics, Point
from .outputs import Outputs
from .reasons import Cause, judge
from .words import Message, Place, Run

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Clients:
    """One of each service that is asked only."""

    cloudformation: Any
    logs: Any
    sagemaker: Any


@dataclass(frozen=True)
class Parts:
    """All that it works with."""

    clients: Clients
    executions: Executions
    outputs: Outputs
    ledger: Ledger
    metrics: Metrics
    prices: Prices
    place: Place
    publish: Callable[[Message], None]


class Reporter:
    """Hears ends of steps and executions, and rollbacks of the serving stack."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def step(self, detail: dict[str, Any]) -> None:
        """The cost of a step that has ended, and what it was good for."""
        name, ended = detail["stepName"], detail["stepEndTime"]
        arn = detail["pipelineExecutionArn"]
        key = f"{_id(arn)}/steps/{name}-{ended}"
        self._parts.ledger.once(key, lambda: self._measure(arn, name, _time(ended)))

    def execution(self, detail: dict[str, Any]) -> None:
        """The execution as a whole, and a message where somebody is to do something."""
        status, arn = detail["currentPipelineExecutionStatus"], detail["pipelineExecutionArn"]
        ended = detail["executionEndTime"]
        key = f"{_id(arn)}/{status}-{ended}"
        self._parts.ledger.once(key, lambda: self._tell(arn, status, _time(ended)))

    def rollback(self, event_id: str, detail: dict[str, Any]) -> None:
        """An update of the serving stack that was taken back."""
        stack_id, status = detail["stack-id"], detail["status-details"]["status"]
        self._parts.ledger.once(
            f"stacks/{event_id}", lambda: self._tell_of_rollback(stack_id, status)
        )

    def _measure(self, arn: str, name: str, ended: datetime) -> dict[str, Any]:
        execution = self._parts.executions.read(arn)
        step = next(step for step in execution.steps if step.name == name)
        cost = self._parts.prices.cost(execution.jobs_of(step))
        job = execution.job(step)
        points = [Point("StepCost", cost.usd, "None", name)] if cost.jobs else []
        if job is not None and IMAGES_PER_SECOND in job.metrics:
            speed = job.metrics[IMAGES_PER_SECOND]
            points.append(Point("ImagesPerSecond", speed, "Count/Second"))
        self._parts.metrics.put(points, ended)
        return {"metrics": {point.name: point.value for point in points}}

    def _tell(self, arn: str, status: str, ended: datetime) -> dict[str, Any]:
        execution = self._parts.executions.read(arn)
        run = Run(
            execution,
            self._parts.prices.cost(execution.jobs),
            self._parts.outputs.accuracy(execution.id),
        )
        points = self._points(run)
        # Before the message: twice the same point changes nothing that is shown.
        self._parts.metrics.put(points, ended)
        message = self._message(run, status)
        if message:
            self._publish(message)
        return {
            "metrics": {point.name: point.value for point in points},
            "message": message.text if message else None,
        }

    def _points(self, run: Run) -> list[Point]:
        points = [
            Point("RunCost", run.cost.usd, "None"),
            Point("BillableSeconds", run.cost.seconds, "Seconds"),
        ]
        if run.accuracy:
            points.append(Point("Accuracy", run.accuracy.value, "None"))
        objects = self._parts.outputs.objects(run.execution.id)
        if objects is not None:
            points.append(Point("Objects", objects, "Count"))
        return points

    def _message(self, run: Run, status: str) -> Message | None:
        place, execution = self._parts.place, run.execution
        if status == "Succeeded":
            return words.waits(run, place) if self._waits(execution.package) else None
        endings = judge(execution, lambda job: logs.streams(self._parts.clients.logs, job))
        verdict = next((ending for ending in endings if ending.cause is Cause.VERDICT), None)
        if verdict:
            return words.rejected(run, verdict.step, place)
        # A person who stops an execution knows of it.
        if status == "Stopped" and all(ending.cause is Cause.STOP for ending in endings):
            return None
        return words.failed(run, endings, place)

    def _waits(self, package: str) -> bool:
        if not package:
            return False
        described = self._parts.clients.sagemaker.describe_model_package(ModelPackageName=package)
        waits: bool = described["ModelApprovalStatus"] == "PendingManualApproval"
        return waits

    def _tell_of_rollback(self, stack_id: str, status: str) -> dict[str, Any]:
        found = rollbacks.newest(self._parts.clients.cloudformation, stack_id)
        message = words.taken_back(
            stack_id.split("/")[1],
            found.version,
            found.reason,
            self._parts.place,
            whole=status == "UPDATE_ROLLBACK_COMPLETE",
        )
        self._publish(message)
        return {"message": message.text}

    def _publish(self, message: Message) -> None:
        logger.info("%s", message.subject)
        self._parts.publish(message)


def _id(execution_arn: str) -> str:
    return execution_arn.rpartition("/")[2]


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
