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
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_sagemaker import SageMakerClient

logger = logging.getLogger(__name__)

# The metric that training's log lines give, of all hosts together; the last epoch's is kept.
_IMAGES_PER_SECOND = "images_per_second"
# What the deployer names its updates and change sets.
_TOKEN = re.compile(r"model-(\d+)-.*")


@dataclass(frozen=True)
class Reporter:
    """Hears ends of steps and executions, and rollbacks of the serving stack."""

    sagemaker: "SageMakerClient"
    cloudformation: "CloudFormationClient"
    logs: "CloudWatchLogsClient"
    outputs: Outputs
    ledger: Ledger
    prices: Prices
    place: Place
    pipeline: str
    put_points: Callable[[Sequence[Point], datetime], None]
    publish: Callable[[Message], None]

    def step(self, detail: dict[str, Any]) -> None:
        """The cost of a step that has ended, and what it was good for."""
        name, ended = detail["stepName"], detail["stepEndTime"]
        arn = detail["pipelineExecutionArn"]
        execution_id = arn.rpartition("/")[2]
        key = f"{execution_id}/steps/{name}-{ended}"
        self.ledger.once(key, lambda: self._measure(arn, name, datetime.fromisoformat(ended)))

    def execution(self, detail: dict[str, Any]) -> None:
        """The execution as a whole, and a message where somebody is to do something."""
        status, arn = detail["currentPipelineExecutionStatus"], detail["pipelineExecutionArn"]
        ended = detail["executionEndTime"]
        execution_id = arn.rpartition("/")[2]
        key = f"{execution_id}/{status}-{ended}"
        self.ledger.once(key, lambda: self._report(arn, status, datetime.fromisoformat(ended)))

    def rollback(self, event_id: str, detail: dict[str, Any]) -> None:
        """An update of the serving stack that was taken back."""
        stack_id, status = detail["stack-id"], detail["status-details"]["status"]
        self.ledger.once(f"stacks/{event_id}", lambda: self._report_rollback(stack_id, status))

    def _measure(self, arn: str, name: str, ended: datetime) -> dict[str, Any]:
        execution = Executions(self.sagemaker).read(arn)
        step = next(step for step in execution.steps if step.name == name)
        cost = self.prices.cost(execution.jobs_of(step))
        job = execution.job(step)
        points = [self._point("StepCost", cost.usd, "None", name)] if cost.jobs else []
        if job is not None and _IMAGES_PER_SECOND in job.metrics:
            speed = job.metrics[_IMAGES_PER_SECOND]
            points.append(self._point("ImagesPerSecond", speed, "Count/Second"))
        self.put_points(points, ended)
        return {"metrics": {point.name: point.value for point in points}}

    def _report(self, arn: str, status: str, ended: datetime) -> dict[str, Any]:
        execution = Executions(self.sagemaker).read(arn)
        run = RunSummary(
            execution,
            self.prices.cost(execution.jobs),
            self.outputs.accuracy(execution.id),
        )
        points = self._points(run)
        # Before the message: twice the same point changes nothing that is shown.
        self.put_points(points, ended)
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
        objects = self.outputs.objects(run.execution.id)
        if objects is not None:
            points.append(self._point("Objects", objects, "Count"))
        return points

    def _message(self, run: RunSummary, status: str) -> Message | None:
        place, execution = self.place, run.execution
        if status == "Succeeded":
            return messages.waits(run, place) if self._waits(execution.package) else None
        endings = judge(execution, lambda job: log_streams(self.logs, job))
        verdict = next((ending for ending in endings if ending.cause is Cause.VERDICT), None)
        if verdict:
            return messages.rejected(run, verdict.step, place)
        # A person who stops an execution knows of it.
        if status == "Stopped" and all(ending.cause is Cause.STOP for ending in endings):
            return None
        return messages.failed(run, endings, place)

    def _point(self, name: str, value: float, unit: str, step: str = "") -> Point:
        """Of the whole execution, or of one of its steps."""
        of = {"PipelineName": self.pipeline} | ({"StepName": step} if step else {})
        return Point(name, value, unit, of)

    def _waits(self, package: str) -> bool:
        if not package:
            return False
        described = self.sagemaker.describe_model_package(ModelPackageName=package)
        return described["ModelApprovalStatus"] == "PendingManualApproval"

    def _report_rollback(self, stack_id: str, status: str) -> dict[str, Any]:
        found = newest_rollback(self.cloudformation, stack_id)
        message = messages.rolled_back(
            stack_id.split("/")[1],
            found.version,
            found.reason,
            self.place,
            whole=status == "UPDATE_ROLLBACK_COMPLETE",
        )
        self._publish(message)
        return {"message": message.text}

    def _publish(self, message: Message) -> None:
        logger.info("%s", message.subject)
        self.publish(message)


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
