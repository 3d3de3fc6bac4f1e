"""What CloudFormation refuses and does not list, and MiniStack does; and its events:
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/event-detail-stack-status-change.html
"""

import re
from collections.abc import Callable
from typing import Any

from ministack.services.cloudformation import _stacks, changesets, handlers, stacks
from ministack.services.cloudformation.helpers import _error, _p

from rehearsal.ministack.loop import Answer, put_event_soon

Params = dict[str, Any]
Stack = dict[str, Any]
Operation = Callable[[Params], Answer]

_UPDATABLE = frozenset(
    {
        "CREATE_COMPLETE",
        "UPDATE_COMPLETE",
        "UPDATE_ROLLBACK_COMPLETE",
        "IMPORT_COMPLETE",
        "IMPORT_ROLLBACK_COMPLETE",
        "CREATE_FAILED",
        "UPDATE_FAILED",
    }
)
_DETAIL_TYPE = "CloudFormation Stack Status Change"
_STACK = "AWS::CloudFormation::Stack"
_MEMBER = re.compile(r"<member>.*?</member>", re.DOTALL)
_EXECUTED = re.compile(r"<ExecutionStatus>EXECUTE_(COMPLETE|FAILED)</ExecutionStatus>")
_STACK_ID = re.compile(r"<StackId>([^<]+)</StackId>")


def refuse_update(old: Operation) -> Operation:
    """While another operation runs, or after one that left the stack in no state to be updated."""
    return _refusing(old, _not_updatable)


def refuse_delete(old: Operation) -> Operation:
    """A stack's creation may be broken off, an update has to end first."""
    return _refusing(old, _not_deletable)


def _refusing(old: Operation, reason: Callable[[Stack, Params], str | None]) -> Operation:
    """Refuses what has a reason for that: one sentence."""

    def act(params: Params) -> Answer:
        stack = _stack(params)
        why = reason(stack, params) if stack else None
        if why:
            refused: Answer = _error("ValidationError", why)
            return refused
        return old(params)

    return act


def _not_updatable(stack: Stack, params: Params) -> str | None:
    status = stack["StackStatus"]
    creates = status == "REVIEW_IN_PROGRESS" or _p(params, "ChangeSetType") in ("CREATE", "IMPORT")
    if creates or status in _UPDATABLE or status == "DELETE_COMPLETE":
        return None
    return f"Stack:{stack['StackId']} is in {status} state and can not be updated."


def _not_deletable(stack: Stack, params: Params) -> str | None:
    status = stack["StackStatus"]
    if not (status.startswith("UPDATE") and status.endswith("IN_PROGRESS")):
        return None
    return f"Stack [{stack['StackId']}] cannot be deleted while in status {status}"


def keep_change_set(old: Operation) -> Operation:
    """The stack keeps which change set was executed last, for `name_change_sets`."""

    def execute(params: Params) -> Answer:
        change_set, _ = changesets._find_change_set(
            _p(params, "ChangeSetName"), _p(params, "StackName")
        )
        stack = _stack(params)
        answer = old(params)
        if answer[0] == 200 and stack and change_set:
            stack["ChangeSetId"] = change_set
        return answer

    return execute


def name_change_sets(old: Operation) -> Operation:
    """Stacks are described with the change set that was executed last:
    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Stack.html
    """

    def describe(params: Params) -> Answer:
        status, headers, body = old(params)
        sets = {each["StackId"]: each.get("ChangeSetId") for each in _stacks.values()}

        def named(found: re.Match[str]) -> str:
            executed = sets.get(found[1])
            return found[0] + (f"<ChangeSetId>{executed}</ChangeSetId>" if executed else "")

        return status, headers, _STACK_ID.sub(named, body.decode()).encode()

    return describe


def list_active_change_sets(old: Operation) -> Operation:
    """ListChangeSets gives "each active change set": none that was executed.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ListChangeSets.html
    """

    def list_active(params: Params) -> Answer:
        status, headers, body = old(params)

        def active(found: re.Match[str]) -> str:
            return "" if _EXECUTED.search(found[0]) else found[0]

        return status, headers, _MEMBER.sub(active, body.decode()).encode()

    return list_active


def _stack(params: Params) -> Stack | None:
    """The stack that a request names, itself or by a change set's ARN."""
    if name := _p(params, "StackName"):
        found: Stack | None = handlers._resolve_stack(name)
        return found
    _, change_set = changesets._find_change_set(_p(params, "ChangeSetName"), "")
    return _stacks.get(change_set["StackName"]) if change_set else None


def add_event(old: Callable[..., None]) -> Callable[..., None]:
    """Each new status of a stack is sent to EventBridge as it is recorded among its events."""

    def add(  # noqa: PLR0913, PLR0917 - as MiniStack calls it
        stack_id: str,
        stack_name: str,
        logical_id: str,
        resource_type: str,
        status: str,
        reason: str = "",
        *rest: Any,
        **named: Any,
    ) -> None:
        old(stack_id, stack_name, logical_id, resource_type, status, reason, *rest, **named)
        # A nested stack is a resource of its parent under another logical id.
        if resource_type == _STACK and logical_id == stack_name:
            token = stacks.CLIENT_REQUEST_TOKEN.get()
            put_event_soon(
                "aws.cloudformation",
                _DETAIL_TYPE,
                _detail(stack_id, status, reason, token),
                [stack_id],
            )

    return add


def _detail(stack_id: str, status: str, reason: str, token: str) -> dict[str, Any]:
    return {
        "stack-id": stack_id,
        "status-details": {"status": status, "status-reason": reason},
        "client-request-token": token,
    }


def fail_interrupted(reason: str) -> None:
    """A stack whose operation the last stop cut short would be in progress for ever."""
    for stack in _stacks._data.values():
        operation, _, state = stack.get("StackStatus", "").partition("_")
        if operation in ("CREATE", "UPDATE", "DELETE", "ROLLBACK") and "IN_PROGRESS" in state:
            stack["StackStatus"] = f"{operation}_FAILED"
            stack["StackStatusReason"] = reason
