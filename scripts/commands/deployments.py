"""Waits until an approved model package serves: the serving stack's update, then the endpoint."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import boto3

from scripts.commands.aws import poll_seconds
from scripts.commands.console import CommandError
from scripts.commands.stacks import describe, outputs_of, stack_name

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import StackTypeDef

COMPLETE = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE"})
# A change set that is there for so long is not about to be executed by whoever made it.
CHANGE_SET_SECONDS = 20.0


@dataclass
class Deployment:
    """One model package on its way to the endpoint.

    Attributes:
        package: the package's ARN.
        since: when the serving stack was last updated before the approval; None where it never was.
        start_seconds: how long the update may take to begin.
    """

    session: boto3.Session
    environment: str
    package: str
    since: datetime | None
    start_seconds: float = 180.0
    _told: str = ""

    def wait(self, tell: Callable[[str], None]) -> str:
        """Waits and gives a sentence: the endpoint serves, or a person must execute a change set.

        tell: called with what is waited for, whenever that changes.

        Raises:
            CommandError: the update failed or did not begin, or the endpoint failed.
        """
        end = time.monotonic() + self.start_seconds
        settled = time.monotonic() + CHANGE_SET_SECONDS
        while True:
            stack = describe(self.session, self.environment, "serving")
            status = stack["StackStatus"]
            self._tell(tell, f"The stack {stack['StackName']}: {status}")
            begun = stack.get("LastUpdatedTime") != self.since
            if status in COMPLETE and outputs_of(stack).get("ModelPackageArn") == self.package:
                return self._wait_for_endpoint(outputs_of(stack)["EndpointName"], tell)
            if begun and not status.endswith("IN_PROGRESS"):
                raise CommandError(self._why_failed(status))
            if not begun:
                change_set = self._change_set()
                if change_set is None:
                    settled = time.monotonic() + CHANGE_SET_SECONDS
                elif time.monotonic() > settled:
                    return (
                        f"The change set {change_set} of {stack['StackName']} waits for a person "
                        "to execute it."
                    )
                if time.monotonic() > end:
                    raise CommandError(
                        f"The update of {stack['StackName']} has not begun after "
                        f"{self.start_seconds:.0f} s: look into the deployer Lambda's log."
                    )
            time.sleep(poll_seconds())

    def _wait_for_endpoint(self, endpoint: str, tell: Callable[[str], None]) -> str:
        sagemaker = self.session.client("sagemaker")
        while True:
            described = sagemaker.describe_endpoint(EndpointName=endpoint)
            status = described["EndpointStatus"]
            self._tell(tell, f"The endpoint {endpoint}: {status}")
            if status == "InService":
                return f"The endpoint {endpoint} serves {self.package}."
            if status in {"Failed", "OutOfService", "UpdateRollbackFailed"}:
                reason = described.get("FailureReason", "no reason given")
                raise CommandError(f"The endpoint {endpoint} is {status}: {reason}")
            time.sleep(poll_seconds())

    def _tell(self, tell: Callable[[str], None], sentence: str) -> None:
        if sentence != self._told:
            self._told = sentence
            tell(sentence)

    def _why_failed(self, status: str) -> str:
        name = stack_name(self.environment, "serving")
        events = self.session.client("cloudformation").describe_stack_events(StackName=name)
        # Newest first: the failure that began it all is the last one of this update.
        failures = []
        for event in events["StackEvents"]:
            if self.since is not None and event["Timestamp"] <= self.since:
                break
            if event.get("ResourceStatus", "").endswith("FAILED"):
                failures.append(event)
        reason = "no event says why"
        if failures:
            first = failures[-1]
            said = first.get("ResourceStatusReason", "no reason given")
            reason = f"{first.get('LogicalResourceId')}: {said}"
        return f"The update of {name} ended as {status} and the earlier model serves on ({reason})."

    def _change_set(self) -> str | None:
        """A change set that waits and whose parameters name the package."""
        cloudformation = self.session.client("cloudformation")
        name = stack_name(self.environment, "serving")
        for summary in cloudformation.list_change_sets(StackName=name)["Summaries"]:
            if summary.get("ExecutionStatus") != "AVAILABLE":
                continue
            described = cloudformation.describe_change_set(
                ChangeSetName=summary["ChangeSetName"], StackName=name
            )
            values = {p.get("ParameterValue") for p in described.get("Parameters", [])}
            if self.package in values:
                return summary["ChangeSetName"]
        return None


def last_update(stack: "StackTypeDef") -> datetime | None:
    return stack.get("LastUpdatedTime")
