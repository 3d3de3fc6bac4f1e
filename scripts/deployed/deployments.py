"""What becomes of a decision about a model package: the deployer's attempts, then the endpoint.

An update's client request token is `model-<version>-…`, and so is a change set's name; <version>
is the model package's in its group.
"""

import shlex
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import TYPE_CHECKING

import boto3

from scripts.console import CommandError
from scripts.deployed.session import poll_seconds
from scripts.deployed.stacks import describe, outputs_of, stack_name

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import StackEventTypeDef, StackTypeDef

_ROLLED_BACK = frozenset({"UPDATE_ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_FAILED"})


@dataclass(frozen=True)
class Attempts:
    """Those since a moment of the serving stack's: its newest event, and what waited already."""

    session: boto3.Session
    environment: str
    since: str | None
    earlier: frozenset[str] = frozenset()

    @classmethod
    def from_now(cls, session: boto3.Session, environment: str) -> "Attempts":
        """Those that are still to come."""
        events = session.client("cloudformation").describe_stack_events(
            StackName=stack_name(environment, "serving")
        )["StackEvents"]
        now = cls(session, environment, events[0]["EventId"] if events else None)
        return replace(now, earlier=frozenset(now._proposals()))

    def why_rolled_back(self, package: str) -> str | None:
        """The first failure of the newest update to the package, if that was rolled back."""
        reason, is_rolled_back = "no event says why", False
        for event in self._events():  # newest first
            if not event.get("ClientRequestToken", "").startswith(_prefix(package)):
                continue
            status = event.get("ResourceStatus", "")
            if event.get("PhysicalResourceId") != event["StackId"]:
                if status.endswith("FAILED"):
                    said = event.get("ResourceStatusReason", "no reason given")
                    reason = f"{event.get('LogicalResourceId')}: {said}"
            elif status in _ROLLED_BACK:
                is_rolled_back = True
            elif status == "UPDATE_IN_PROGRESS":
                return reason if is_rolled_back else None
        return None

    def proposal(self, package: str) -> str | None:
        """Name of the change set that waits for a person and would make the package serve."""
        new = (name for name in self._proposals() if name not in self.earlier)
        return next((name for name in new if name.startswith(_prefix(package))), None)

    def any_waits(self) -> bool:
        """Whether a package of whatever version waited for a person."""
        return any(name.startswith("model-") for name in self.earlier)

    def _proposals(self) -> Iterator[str]:
        paginator = self.session.client("cloudformation").get_paginator("list_change_sets")
        pages = paginator.paginate(StackName=stack_name(self.environment, "serving"))
        return pages.search("Summaries[?ExecutionStatus=='AVAILABLE'].ChangeSetName")

    def _events(self) -> "Iterator[StackEventTypeDef]":
        paginator = self.session.client("cloudformation").get_paginator("describe_stack_events")
        pages = paginator.paginate(StackName=stack_name(self.environment, "serving"))
        return takewhile(lambda e: e["EventId"] != self.since, pages.search("StackEvents[]"))


def _prefix(package: str) -> str:
    return f"model-{package.rpartition('/')[2]}-"


@dataclass
class Deployment:
    """A model package on its way to the endpoint.

    Attributes:
        packages: ARNs of those that may serve in the end: the one that was approved, or those that
            another one's rejection brings back.
        attempts: what the deployer tries.
        start_seconds: how long nothing may happen.
    """

    session: boto3.Session
    environment: str
    packages: Collection[str]
    attempts: Attempts
    start_seconds: float = 180.0
    _told: str = ""

    def wait(self, tell: Callable[[str], None]) -> str:
        """Waits, and gives a sentence: the endpoint serves, or a person must execute a change set.

        `tell` is called with what is waited for, whenever that changes.

        Raises:
            CommandError: the update was rolled back or did not begin, or the endpoint failed.
        """
        end = time.monotonic() + self.start_seconds
        while True:
            stack = describe(self.session, self.environment, "serving")
            self._tell(tell, f"The stack {stack['StackName']}: {stack['StackStatus']}")
            if stack["StackStatus"].endswith("IN_PROGRESS"):
                # Perhaps another package's: ours begins when that is over.
                end = time.monotonic() + self.start_seconds
            elif said := self._said_of(stack, tell):
                return said
            elif time.monotonic() > end:
                raise CommandError(
                    f"The update of {stack['StackName']} has not begun after "
                    f"{self.start_seconds:.0f} s: look into the deployer Lambda's log and the "
                    "queue of approvals that could not be acted on."
                )
            time.sleep(poll_seconds())

    def _said_of(self, stack: "StackTypeDef", tell: Callable[[str], None]) -> str | None:
        """The sentence where a stack that is not changing is where it should be."""
        name, outputs = stack["StackName"], outputs_of(stack)
        serving = outputs.get("ModelPackageArn", "")
        if serving in self.packages:
            return self._wait_for_endpoint(outputs["EndpointName"], serving, tell)
        for package in self.packages:
            if reason := self.attempts.why_rolled_back(package):
                raise CommandError(
                    f"The update of {name} to {package} was rolled back ({reason}) and "
                    f"{serving or 'no model'} serves on: remove the cause and approve it "
                    "again, or reject it."
                )
            if change_set := self.attempts.proposal(package):
                return f"A person decides whether {package} serves: {execution(name, change_set)}"
        return None

    def _wait_for_endpoint(self, endpoint: str, package: str, tell: Callable[[str], None]) -> str:
        sagemaker = self.session.client("sagemaker")
        while True:
            described = sagemaker.describe_endpoint(EndpointName=endpoint)
            status = described["EndpointStatus"]
            self._tell(tell, f"The endpoint {endpoint}: {status}")
            if status == "InService":
                return f"The endpoint {endpoint} serves {package}."
            if status in {"Failed", "OutOfService", "UpdateRollbackFailed"}:
                reason = described.get("FailureReason", "no reason given")
                raise CommandError(f"The endpoint {endpoint} is {status}: {reason}")
            time.sleep(poll_seconds())

    def _tell(self, tell: Callable[[str], None], sentence: str) -> None:
        if sentence != self._told:
            self._told = sentence
            tell(sentence)


def execution(stack: str, change_set: str) -> str:
    """What a person types; with the token, the deployer knows whose rollback it hears of."""
    named = (("--stack-name", stack), ("--change-set-name", change_set))
    words = [word for pair in (*named, ("--client-request-token", change_set)) for word in pair]
    return shlex.join(["aws", "cloudformation", "execute-change-set", *words])
