"""What CloudFormation refuses and does not list, and MiniStack does."""

# ruff: noqa: PLC0415 - MiniStack reads its settings when it is imported, so that is done late.
from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

Answer = tuple[int, dict[str, str], bytes]
Params = dict[str, Any]
Stack = dict[str, Any]

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
_MEMBER = re.compile(r"<member>.*?</member>", re.DOTALL)
_EXECUTED = re.compile(r"<ExecutionStatus>EXECUTE_(COMPLETE|FAILED)</ExecutionStatus>")
_STACK_ID = re.compile(r"<StackId>([^<]+)</StackId>")


def keep_rules_of_stacks() -> None:
    """One operation of a stack at a time, and change sets as they are listed."""
    from ministack.services.cloudformation import handlers

    actions = handlers._ACTION_HANDLERS
    for name in ("UpdateStack", "CreateChangeSet", "ExecuteChangeSet"):
        actions[name] = _refusing(actions[name], _not_updatable)
    actions["ExecuteChangeSet"] = _remembering(actions["ExecuteChangeSet"])
    actions["DeleteStack"] = _refusing(actions["DeleteStack"], _not_deletable)
    actions["ListChangeSets"] = _listing_active(actions["ListChangeSets"])
    actions["DescribeStacks"] = _naming_change_sets(actions["DescribeStacks"])


def _refusing(
    act: Callable[[Params], Answer], reason: Callable[[Stack, Params], str | None]
) -> Callable[[Params], Answer]:
    """Args:
    reason: one sentence; None, it is not refused for this.
    """

    def acting(params: Params) -> Answer:
        from ministack.services.cloudformation.helpers import _error

        stack = _stack(params)
        why = reason(stack, params) if stack else None
        if why:
            refused: Answer = _error("ValidationError", why)
            return refused
        return act(params)

    return acting


def _not_updatable(stack: Stack, params: Params) -> str | None:
    """While another operation runs, or after one that left it in no state to be updated."""
    from ministack.services.cloudformation.helpers import _p

    status = stack["StackStatus"]
    creates = status == "REVIEW_IN_PROGRESS" or _p(params, "ChangeSetType") in ("CREATE", "IMPORT")
    if creates or status in _UPDATABLE or status == "DELETE_COMPLETE":
        return None
    return f"Stack:{stack['StackId']} is in {status} state and can not be updated."


def _not_deletable(stack: Stack, params: Params) -> str | None:
    """Its creation may be broken off, an update has to end first."""
    status = stack["StackStatus"]
    if not (status.startswith("UPDATE") and status.endswith("IN_PROGRESS")):
        return None
    return f"Stack [{stack['StackId']}] cannot be deleted while in status {status}"


def _remembering(execute: Callable[[Params], Answer]) -> Callable[[Params], Answer]:
    def executing(params: Params) -> Answer:
        from ministack.services.cloudformation import changesets
        from ministack.services.cloudformation.helpers import _p

        id_, _ = changesets._find_change_set(_p(params, "ChangeSetName"), _p(params, "StackName"))
        stack = _stack(params)
        answer = execute(params)
        if answer[0] == 200 and stack and id_:
            stack["ChangeSetId"] = id_
        return answer

    return executing


def _naming_change_sets(describe: Callable[[Params], Answer]) -> Callable[[Params], Answer]:
    """With the change set that was executed last:
    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Stack.html
    """

    def describing(params: Params) -> Answer:
        from ministack.services.cloudformation import _stacks

        status, headers, body = describe(params)
        sets = {each["StackId"]: each.get("ChangeSetId") for each in _stacks.values()}

        def named(found: re.Match[str]) -> str:
            id_ = sets.get(found[1])
            return found[0] + (f"<ChangeSetId>{id_}</ChangeSetId>" if id_ else "")

        return status, headers, _STACK_ID.sub(named, body.decode()).encode()

    return describing


def _listing_active(list_all: Callable[[Params], Answer]) -> Callable[[Params], Answer]:
    """It "returns the ID and status of each active change set": not of those that were executed.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ListChangeSets.html
    """

    def listing(params: Params) -> Answer:
        status, headers, body = list_all(params)

        def active(found: re.Match[str]) -> str:
            return "" if _EXECUTED.search(found[0]) else found[0]

        return status, headers, _MEMBER.sub(active, body.decode()).encode()

    return listing


def _stack(params: Params) -> Stack | None:
    """The stack that a request names, itself or by a change set's ARN."""
    from ministack.services.cloudformation import _stacks, changesets, handlers
    from ministack.services.cloudformation.helpers import _p

    if name := _p(params, "StackName"):
        found: Stack | None = handlers._resolve_stack(name)
        return found
    _, change_set = changesets._find_change_set(_p(params, "ChangeSetName"), "")
    return _stacks.get(change_set["StackName"]) if change_set else None
