"""Where a stack's function sends the events that it fails on.

MiniStack makes a stack's functions without their DeadLetterConfig, which its Lambda knows.
"""

# ruff: noqa: PLC0415 - MiniStack reads its settings when it is imported, so that is done late.
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rehearsal.ministack.resource_types import Made

_TYPE = "AWS::Lambda::Function"
_PROPERTY = "DeadLetterConfig"


def keep_dead_letter_queues() -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html"""
    from ministack.services import lambda_svc
    from ministack.services.cloudformation import provisioners

    its_own = provisioners._RESOURCE_HANDLERS[_TYPE]

    def keeping(work: Callable[..., Made], given: int) -> Callable[..., Made]:
        """Args:
        given: which of its arguments are the properties.
        """

        def keep(*arguments: Any) -> Made:
            name, attributes = work(*arguments)
            _, config, _ = lambda_svc._get_func_record_for_ref(name)
            if config is not None:
                config.pop(_PROPERTY, None)
                if _PROPERTY in arguments[given]:
                    config[_PROPERTY] = arguments[given][_PROPERTY]
            return name, attributes

        return keep

    changed = {"create": keeping(its_own["create"], 1)}
    if "update" in its_own:
        changed["update"] = keeping(its_own["update"], 2)
    provisioners._RESOURCE_HANDLERS[_TYPE] = its_own | changed
