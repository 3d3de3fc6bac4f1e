"""How a model package reaches the stack: at once, or when a person decides."""

import logging
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError, WaiterError

from .approvals import Approval, Attempt, DeployerError, milliseconds
from .stack import Stack, State, says_changing

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.literals import ExecutionStatusType
    from mypy_boto3_cloudformation.type_defs import (
        ChangeSetSummaryTypeDef,
        DescribeChangeSetOutputTypeDef,
        WaiterConfigTypeDef,
    )

logger = logging.getLogger(__name__)

# Shorter than the function may run.
_CREATION: "WaiterConfigTypeDef" = {"Delay": 2, "MaxAttempts": 20}
_EXECUTED = frozenset({"EXECUTE_IN_PROGRESS", "EXECUTE_COMPLETE", "EXECUTE_FAILED"})


class Rollout:
    """How a package is rolled out: `DirectUpdates` or `ChangeSets`."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    def failures(self, state: State) -> Iterable[Attempt]:
        """Attempts that were rolled back, beyond those that the stack itself tells of.

        Raises:
            DeployerError: How one ended is not known yet, though the stack no longer changes.
        """
        return ()

    def withdraw(self, keep: Attempt | None) -> None:
        """Takes back what waits for a person, so that nobody executes what is no longer wanted.

        Args:
            keep: The one attempt that stays.
        """

    def deploy(self, state: State, wanted: Approval) -> bool:
        """Rolls a package out; gives whether to look again, as no event will tell of it.

        Raises:
            DeployerError: CloudFormation could not begin it.
        """
        raise NotImplementedError


class DirectUpdates(Rollout):
    """Updates the stack at once (dev, staging)."""

    def deploy(self, state: State, wanted: Approval) -> bool:
        """Updates the stack, once for one state of it.

        Whoever sees the same state sends the same token, and CloudFormation takes that for a retry.
        The update's end is an event.
        """
        client, name = self._stack.client, self._stack.name
        try:
            client.update_stack(
                **self._stack.change(state, wanted.package),
                ClientRequestToken=f"{wanted.attempt.name}-{milliseconds(state.updated)}",
            )
        except client.exceptions.TokenAlreadyExistsException:
            logger.info("%s is being updated to %s already.", name, wanted.package)
        except ClientError as error:
            if says_changing(error):
                logger.info("%s is changing: its end is waited for.", name)
            elif "No updates are to be performed" in str(error):
                logger.info("%s has %s already.", name, wanted.package)
            else:
                raise
        else:
            logger.info("%s is being updated to %s.", name, wanted.package)
        return False


class ChangeSets(Rollout):
    """A change set an approval, for a person to execute (prod), for the wanted package only.

    They are named after attempts; others' are left alone.
    """

    def failures(self, state: State) -> Iterator[Attempt]:
        """Attempts that a person executed and that were rolled back, with whatever token."""
        statuses = {a: change_set.get("ExecutionStatus") for a, change_set in self._ours()}
        # A list of active change sets may leave out the one that was executed.
        executed = Attempt.from_name(state.change_set or "")
        if executed and executed not in statuses:
            statuses[executed] = self._end_of(executed, state)
        for attempt, status in statuses.items():
            if status == "EXECUTE_IN_PROGRESS":
                raise DeployerError(
                    f"The change set {attempt.name} of {self._stack.name} is {status} though the "
                    "stack's update is over: this event is tried again."
                )
            if status == "EXECUTE_FAILED":
                yield attempt

    def _end_of(self, executed: Attempt, state: State) -> "ExecutionStatusType | None":
        """A rollback that left another package is its own where CloudFormation has forgotten it."""
        if found := self._found(executed):
            return found.get("ExecutionStatus")
        serves = state.serving.rpartition("/")[2] == str(executed.version)
        return "EXECUTE_FAILED" if state.is_rolled_back and not serves else None

    def withdraw(self, keep: Attempt | None) -> None:
        """Deletes what waits for execution."""
        for attempt, change_set in self._ours():
            if attempt != keep and change_set.get("ExecutionStatus") not in _EXECUTED:
                self._delete(attempt)
                logger.info("The change set %s is withdrawn.", attempt.name)

    def deploy(self, state: State, wanted: Approval) -> bool:
        """Makes a change set that a person executes, unless it waits already."""
        name = wanted.attempt.name
        found = self._found(wanted.attempt)
        if found and _waits(found):
            logger.info("The change set %s waits already.", name)
            return False
        if found:
            # Executed in an earlier life of the package, overtaken by another update, or failed.
            self._delete(wanted.attempt)
        try:
            self._create(state, wanted)
        except self._stack.client.exceptions.AlreadyExistsException:
            logger.info("The change set %s is being made already.", name)
            return False
        except ClientError as error:
            if not says_changing(error):
                raise
            logger.info("%s is changing: its end is waited for.", self._stack.name)
            return False
        logger.info(
            "Execute the change set %s of %s to serve %s.", name, self._stack.name, wanted.package
        )
        return True

    def _create(self, state: State, wanted: Approval) -> None:
        name, client = wanted.attempt.name, self._stack.client
        client.create_change_set(
            **self._stack.change(state, wanted.package),
            ChangeSetName=name,
            ChangeSetType="UPDATE",
            Description=f"Serve {wanted.package}",
        )
        try:
            client.get_waiter("change_set_create_complete").wait(
                StackName=self._stack.name, ChangeSetName=name, WaiterConfig=_CREATION
            )
        except WaiterError as error:
            reason = error.last_response.get("StatusReason", "no reason given")
            raise DeployerError(
                f"The change set {name} of {self._stack.name} could not be made ({reason}): "
                f"reject {wanted.package}, or remove the cause and approve it again."
            ) from error

    def _delete(self, attempt: Attempt) -> None:
        self._stack.client.delete_change_set(StackName=self._stack.name, ChangeSetName=attempt.name)

    def _found(self, attempt: Attempt) -> "DescribeChangeSetOutputTypeDef | None":
        client = self._stack.client
        try:
            return client.describe_change_set(
                StackName=self._stack.name, ChangeSetName=attempt.name
            )
        except client.exceptions.ChangeSetNotFoundException:
            return None

    def _ours(self) -> "list[tuple[Attempt, ChangeSetSummaryTypeDef]]":
        pages = self._stack.client.get_paginator("list_change_sets").paginate(
            StackName=self._stack.name
        )
        summaries = [summary for page in pages for summary in page["Summaries"]]
        named = [(Attempt.from_name(summary["ChangeSetName"]), summary) for summary in summaries]
        return [(attempt, summary) for attempt, summary in named if attempt]


def _waits(change_set: "DescribeChangeSetOutputTypeDef") -> bool:
    being_made = change_set.get("Status") in {"CREATE_PENDING", "CREATE_IN_PROGRESS"}
    return being_made or change_set.get("ExecutionStatus") == "AVAILABLE"
