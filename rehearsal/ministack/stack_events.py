"""CloudFormation's events on EventBridge, which MiniStack does not send:
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/event-detail-stack-status-change.html
"""

# ruff: noqa: PLC0415 - MiniStack reads its settings when it is imported, so that is done late.
from __future__ import annotations

from typing import Any

from rehearsal.ministack.loop import put_event_soon

_DETAIL_TYPE = "CloudFormation Stack Status Change"
_STACK = "AWS::CloudFormation::Stack"


def send_stack_events() -> None:
    """Each new status of a stack is sent as it is recorded among the stack's events."""
    from ministack.services.cloudformation import changesets, handlers, stacks

    record = stacks._add_event

    def add_event(  # noqa: PLR0913, PLR0917 - as MiniStack calls it
        stack_id: str,
        stack_name: str,
        logical_id: str,
        resource_type: str,
        status: str,
        reason: str = "",
        physical_id: str = "",
        detailed_status: str = "",
    ) -> None:
        record(
            stack_id,
            stack_name,
            logical_id,
            resource_type,
            status,
            reason,
            physical_id,
            detailed_status,
        )
        # A nested stack is a resource of its parent under another logical id.
        if resource_type == _STACK and logical_id == stack_name:
            token = stacks.CLIENT_REQUEST_TOKEN.get()
            put_event_soon(
                "aws.cloudformation",
                _DETAIL_TYPE,
                _detail(stack_id, status, reason, token),
                [stack_id],
            )

    # The others imported it by name.
    for module in (stacks, handlers, changesets):
        module._add_event = add_event


def _detail(stack_id: str, status: str, reason: str, token: str) -> dict[str, Any]:
    return {
        "stack-id": stack_id,
        "status-details": {"status": status, "status-reason": reason},
        "client-request-token": token,
    }
