"""A small world around the deployer: people, SageMaker, the stack, and events that get lost in the
post for a while.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from functions.deployer.approvals import Approval, Attempt
from functions.deployer.reconciler import Reconciler
from functions.deployer.rollouts import ChangeSets, DirectUpdates
from functions.deployer.stack import Stack, State
from tests.functions.deployer.fake_cloudformation import START, FakeCloudFormation

GROUP = "arn:aws:sagemaker:us-east-1:123456789012:model-package/group"


def arn(version: int) -> str:
    return f"{GROUP}/{version}"


class Table:
    """The approvals in memory; the real table's conditions are tested on DynamoDB."""

    def __init__(self) -> None:
        self._items: dict[int, Approval] = {}

    def approve(self, package: str, at: datetime) -> None:
        version = int(package.rpartition("/")[2])
        known = self._items.get(version, Approval(package, version, at))
        self._items[version] = replace(known, approved=max(known.approved, at))

    def adopt(self, package: str) -> None:
        self.approve(package, datetime.fromisoformat("1970-01-01T00:00:00+00:00"))

    def fail(self, attempt: Attempt) -> None:
        known = self._items[attempt.version]
        failed = max(known.failed or attempt.approved, attempt.approved)
        self._items[attempt.version] = replace(known, failed=failed)

    def all(self) -> list[Approval]:
        return list(self._items.values())


class World:
    """Everything happens at a second of its own.

    Attributes:
        post: events that were sent and may be delivered, in any order and more than once.
        asleep: calls of functions that stopped just before they changed the stack.
    """

    def __init__(self, rollout: type[DirectUpdates] | type[ChangeSets], bad: set[int]) -> None:
        self.cloudformation = FakeCloudFormation()
        self.cloudformation.bad = {arn(version) for version in bad}
        self.post: list[dict[str, Any]] = []
        self.asleep: list[Callable[[], bool]] = []
        self._falls_asleep = False
        self._status: dict[int, str] = {}
        self._approved: dict[int, datetime] = {}
        self._now = START
        stack = Stack(self.cloudformation, "serving", "ModelPackageArn")  # type: ignore[arg-type]
        world = self

        class Drowsy(rollout):  # type: ignore[misc,valid-type]
            def deploy(self, state: State, wanted: Approval) -> bool:
                if world._falls_asleep:
                    world.asleep.append(lambda: super(Drowsy, self).deploy(state, wanted))
                    return False
                return super().deploy(state, wanted)

        self._reconciler = Reconciler(Table(), self, stack, Drowsy(stack))  # type: ignore[arg-type]

    def is_approved(self, package: str) -> bool:
        """What SageMaker says."""
        return self._status.get(int(package.rpartition("/")[2])) == "Approved"

    def approve(self, version: int) -> None:
        self._change(version, "Approved", ["ModelApprovalStatus"])
        self._approved[version] = self._now

    def reject(self, version: int) -> None:
        self._change(version, "Rejected", ["ModelApprovalStatus"])

    def describe(self, version: int) -> None:
        """A change of something else: its event has the status too."""
        status = self._status.get(version, "PendingManualApproval")
        self._change(version, status, ["CustomerMetadataProperties"])

    def deliver(self, number: int, *, again: bool = False, falls_asleep: bool = False) -> None:
        """Args:
        again: the event stays in the post too.
        """
        self._collect()
        if not self.post:
            return
        place = number % len(self.post)
        event = self.post[place] if again else self.post.pop(place)
        self._falls_asleep = falls_asleep
        self._reconciler.hear(event)  # type: ignore[arg-type]
        self._falls_asleep = False

    def wake(self) -> None:
        """The function that fell asleep first goes on to its end."""
        looks_again = self.asleep.pop(0)() if self.asleep else False
        while looks_again:
            looks_again = self._reconciler.reconcile()

    def finish(self) -> None:
        if self.cloudformation.is_changing:
            self.cloudformation.finish()

    def execute(self, number: int, *, with_our_token: bool) -> None:
        """Somebody executes one of the change sets that wait."""
        waiting = [
            name
            for name, change_set in sorted(self.cloudformation.change_sets.items())
            if change_set["ExecutionStatus"] == "AVAILABLE"
        ]
        if waiting and not self.cloudformation.is_changing:
            name = waiting[number % len(waiting)]
            self.cloudformation.execute(name, name if with_our_token else None)

    def settle(self, *, executes: bool) -> None:
        """Until nothing is left to happen.

        Args:
            executes: somebody executes whatever waits.
        """
        for _ in range(5000):
            while self.asleep:
                self.wake()
            self._collect()
            if self.post:
                self.deliver(0)
            elif self.cloudformation.is_changing:
                self.finish()
            elif executes and self.cloudformation.waiting:
                self.execute(0, with_our_token=False)
            else:
                return
        raise AssertionError("it never settles")

    @property
    def best(self) -> str | None:
        """The package of the newest approval that holds and works."""
        holding = [
            (approved, version)
            for version, approved in self._approved.items()
            if self._status[version] == "Approved" and arn(version) not in self.cloudformation.bad
        ]
        return arn(max(holding)[1]) if holding else None

    def _change(self, version: int, status: str, fields: list[str]) -> None:
        self._now += timedelta(seconds=1)
        self._status[version] = status
        self.post.append(
            {
                "detail-type": "SageMaker Model Package State Change",
                "time": self._now.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "detail": {
                    "ModelPackageArn": arn(version),
                    "ModelApprovalStatus": status,
                    "UpdatedModelPackageFields": fields,
                },
            }
        )

    def _collect(self) -> None:
        self.post += self.cloudformation.sent
        self.cloudformation.sent.clear()
