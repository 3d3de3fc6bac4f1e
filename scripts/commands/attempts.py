"""What the deployer tries: its updates and change sets, by the names that it gives them.

An update's client request token is `model-<version>-…`, and so is a change set's name; <version>
is the model package's in its group.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import boto3

from scripts.commands.stacks import stack_name

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import StackEventTypeDef

_ROLLED_BACK = frozenset({"UPDATE_ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_FAILED"})


@dataclass(frozen=True)
class Attempts:
    """Those since a moment of the serving stack's.

    Attributes:
        since: id of the stack's newest event at that moment.
        earlier: names of the change sets that waited already.
    """

    session: boto3.Session
    environment: str
    since: str | None
    earlier: frozenset[str] = frozenset()

    @classmethod
    def from_now(cls, session: boto3.Session, environment: str) -> "Attempts":
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
        pages = (
            self.session.client("cloudformation")
            .get_paginator("list_change_sets")
            .paginate(StackName=stack_name(self.environment, "serving"))
        )
        for page in pages:
            for summary in page["Summaries"]:
                if summary.get("ExecutionStatus") == "AVAILABLE":
                    yield summary["ChangeSetName"]

    def _events(self) -> "Iterator[StackEventTypeDef]":
        pages = (
            self.session.client("cloudformation")
            .get_paginator("describe_stack_events")
            .paginate(StackName=stack_name(self.environment, "serving"))
        )
        for page in pages:
            for event in page["StackEvents"]:
                if event["EventId"] == self.since:
                    return
                yield event


def _prefix(package: str) -> str:
    return f"model-{package.rpartition('/')[2]}-"
