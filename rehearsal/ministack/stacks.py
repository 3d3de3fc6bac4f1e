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
        # It is created anew.
        "REVIEW_IN_PROGRESS",
        "DELETE_COMPLETE",
    }
)
_DETAIL_TYPE = "CloudFormation Stack Status Change"
_STACK = "AWS::CloudFormation::Stack"
_MEMBER = re.compile(r"<member>.*?</member>", re.DOTALL)
_EXECUTED = re.compile(r"<ExecutionStatus>EXECUTE_(COMPLETE|FAILED)</ExecutionStatus>")
_STACK_ID = re.compile(r"<StackId>([^<]+)</StackId>")


def refuse_update(old: Operation, params: Params) -> Answer:
    """While another operation runs, or after one that left the stack in no state to be updated."""
    stack = _stack(params)
    creates = _p(params, "ChangeSetType") in ("CREATE", "IMPORT")
    if stack is None or creates or stack["StackStatus"] in _UPDATABLE:
        return old(params)
    reason = f"Stack:{stack['StackId']} is in {stack['StackStatus']} state and can not be updated."
    return _error("ValidationError", reason)  # type: ignore[no-any-return]


def refuse_delete(old: Operation, params: Params) -> Answer:
    """A stack's creation may be broken off, an update has to end first."""
    stack = _stack(params)
    if stack is None or not re.fullmatch("UPDATE.*IN_PROGRESS", stack["StackStatus"]):
        return old(params)
    reason = f"Stack [{stack['StackId']}] cannot be deleted while in status {stack['StackStatus']}"
    return _error("ValidationError", reason)  # type: ignore[no-any-return]


def keep_change_set(old: Operation, params: Params) -> Answer:
    """The stack keeps which change set was executed last, for `name_change_sets`."""
    change_set, _ = changesets._find_change_set(
        _p(params, "ChangeSetName"), _p(params, "StackName")
    )
    stack = _stack(params)
    answer = old(params)
    if answer[0] == 200 and stack and change_set:
        stack["ChangeSetId"] = change_set
    return answer


def name_change_sets(old: Operation, params: Params) -> Answer:
    """Stacks are described with the change set that was executed last:
    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Stack.html
    """
    status, headers, body = old(params)
    sets = {each["StackId"]: each.get("ChangeSetId") for each in _stacks.values()}

    def named(found: re.Match[str]) -> str:
        executed = sets.get(found[1])
        return found[0] + (f"<ChangeSetId>{executed}</ChangeSetId>" if executed else "")

    return status, headers, _STACK_ID.sub(named, body.decode()).encode()


def list_active_change_sets(old: Operation, params: Params) -> Answer:
    """ListChangeSets gives "each active change set": none that was executed.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ListChangeSets.html
    """
    status, headers, body = old(params)

    def active(found: re.Match[str]) -> str:
        return "" if _EXECUTED.search(found[0]) else found[0]

    return status, headers, _MEMBER.sub(active, body.decode()).encode()


def _stack(params: Params) -> Stack | None:
    """The stack that a request names, itself or by a change set's ARN."""
    if name := _p(params, "StackName"):
        found: Stack | None = handlers._resolve_stack(name)
        return found
    _, change_set = changesets._find_change_set(_p(params, "ChangeSetName"), "")
    return _stacks.get(change_set["StackName"]) if change_set else None


def add_event(
    old: Callable[..., None],
    stack_id: str,
    stack_name: str,
    logical_id: str,
    resource_type: str,
    status: str,
    reason: str = "",
    *rest: Any,
    **named: Any,
) -> None:
    """Each new status of a stack is sent to EventBridge as it is recorded among its events."""
    old(stack_id, stack_name, logical_id, resource_type, status, reason, *rest, **named)
    # A nested stack is a resource of its parent under another logical id.
    if resource_type == _STACK and logical_id == stack_name:
        detail = {
            "stack-id": stack_id,
            "status-details": {"status": status, "status-reason": reason},
            "client-request-token": stacks.CLIENT_REQUEST_TOKEN.get(),
        }
        put_event_soon("aws.cloudformation", _DETAIL_TYPE, detail, [stack_id])


def fail_interrupted(reason: str) -> None:
    """A stack whose operation the last stop cut short would be in progress for ever."""
    for stack in _stacks._data.values():
        operation, _, state = stack.get("StackStatus", "").partition("_")
        if operation in ("CREATE", "UPDATE", "DELETE", "ROLLBACK") and "IN_PROGRESS" in state:
            stack["StackStatus"] = f"{operation}_FAILED"
            stack["StackStatusReason"] = reason
