"""What is told of what happened."""

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from functions.shared import Point

from . import messages
from .costs import Prices
from .executions import Executions, log_streams
from .ledger import Ledger
from .messages import Message, Place, RunSummary
from .outputs import Outputs
from .reasons import Cause, judge

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackEventTypeDef

logger = logging.getLogger(__name__)

# The metric that training's log lines give, of all hosts together; the last epoch's is kept.
_IMAGES_PER_SECOND = "images_per_second"
# What the deployer names its updates and change sets.
_TOKEN = re.compile(r"model-(\d+)-.*")


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
    prices: Prices
    place: Place
    pipeline: str
    put_points: Callable[[Sequence[Point], datetime], None]
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
        self._parts.ledger.once(key, lambda: self._report(arn, status, _time(ended)))

    def rollback(self, event_id: str, detail: dict[str, Any]) -> None:
        """An update of the serving stack that was taken back."""
        stack_id, status = detail["stack-id"], detail["status-details"]["status"]
        self._parts.ledger.once(
            f"stacks/{event_id}", lambda: self._report_rollback(stack_id, status)
        )

    def _measure(self, arn: str, name: str, ended: datetime) -> dict[str, Any]:
        execution = self._parts.executions.read(arn)
        step = next(step for step in execution.steps if step.name == name)
        cost = self._parts.prices.cost(execution.jobs_of(step))
        job = execution.job(step)
        points = [self._point("StepCost", cost.usd, "None", name)] if cost.jobs else []
        if job is not None and _IMAGES_PER_SECOND in job.metrics:
            speed = job.metrics[_IMAGES_PER_SECOND]
            points.append(self._point("ImagesPerSecond", speed, "Count/Second"))
        self._parts.put_points(points, ended)
        return {"metrics": {point.name: point.value for point in points}}

    def _report(self, arn: str, status: str, ended: datetime) -> dict[str, Any]:
        execution = self._parts.executions.read(arn)
        run = RunSummary(
            execution,
            self._parts.prices.cost(execution.jobs),
            self._parts.outputs.accuracy(execution.id),
        )
        points = self._points(run)
        # Before the message: twice the same point changes nothing that is shown.
        self._parts.put_points(points, ended)
        message = self._message(run, status)
        if message:
            self._publish(message)
        return {
            "metrics": {point.name: point.value for point in points},
            "message": message.text if message else None,
        }

    def _points(self, run: RunSummary) -> list[Point]:
        points = [
            self._point("RunCost", run.cost.usd, "None"),
            self._point("BillableSeconds", run.cost.seconds, "Seconds"),
        ]
        if run.accuracy:
            points.append(self._point("Accuracy", run.accuracy.value, "None"))
        objects = self._parts.outputs.objects(run.execution.id)
        if objects is not None:
            points.append(self._point("Objects", objects, "Count"))
        return points

    def _message(self, run: RunSummary, status: str) -> Message | None:
        place, execution = self._parts.place, run.execution
        if status == "Succeeded":
            return messages.waits(run, place) if self._waits(execution.package) else None
        endings = judge(execution, lambda job: log_streams(self._parts.clients.logs, job))
        verdict = next((ending for ending in endings if ending.cause is Cause.VERDICT), None)
        if verdict:
            return messages.rejected(run, verdict.step, place)
        # A person who stops an execution knows of it.
        if status == "Stopped" and all(ending.cause is Cause.STOP for ending in endings):
            return None
        return messages.failed(run, endings, place)

    def _point(self, name: str, value: float, unit: str, step: str = "") -> Point:
        """Of the whole execution, or of one of its steps."""
        of = {"PipelineName": self._parts.pipeline} | ({"StepName": step} if step else {})
        return Point(name, value, unit, of)

    def _waits(self, package: str) -> bool:
        if not package:
            return False
        described = self._parts.clients.sagemaker.describe_model_package(ModelPackageName=package)
        waits: bool = described["ModelApprovalStatus"] == "PendingManualApproval"
        return waits

    def _report_rollback(self, stack_id: str, status: str) -> dict[str, Any]:
        found = newest_rollback(self._parts.clients.cloudformation, stack_id)
        message = messages.rolled_back(
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


@dataclass(frozen=True)
class Rollback:
    """One update that was rolled back.

    Attributes:
        version: of the model package that it was to deploy; None where it was another change.
        reason: of the first resource that failed.
    """

    version: str | None
    reason: str


def newest_rollback(client: "CloudFormationClient", stack_id: str) -> Rollback:
    """Of a stack whose last update was rolled back.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStackEvents.html
    """
    reason, version = "no event of the stack says why", None
    pages = client.get_paginator("describe_stack_events").paginate(StackName=stack_id)
    for page in pages:
        for event in page["StackEvents"]:  # newest first
            status = event.get("ResourceStatus", "")
            version = version or _version(event)
            if event.get("PhysicalResourceId") == stack_id:
                if status == "UPDATE_IN_PROGRESS":
                    return Rollback(version, reason)
            elif status.endswith("_FAILED"):
                said = event.get("ResourceStatusReason", "no reason given")
                reason = f"{event.get('LogicalResourceId')}: {said}"
    return Rollback(version, reason)


def _version(event: "StackEventTypeDef") -> str | None:
    match = _TOKEN.fullmatch(event.get("ClientRequestToken", ""))
    return match[1] if match else None
