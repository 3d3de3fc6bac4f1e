"""From the name of an operation to what does it."""

from __future__ import annotations

from typing import Any

from rehearsal import service_model
from rehearsal.errors import ApiError
from rehearsal.resources import (
    endpoint_configs,
    endpoints,
    model_package_groups,
    model_packages,
    models,
    pipeline_executions,
    pipelines,
    processing_jobs,
    tags,
    training_jobs,
    transform_jobs,
)
from rehearsal.resources.context import Context, Handler

OPERATIONS: dict[str, Handler] = {
    **pipelines.OPERATIONS,
    **pipeline_executions.OPERATIONS,
    **processing_jobs.OPERATIONS,
    **training_jobs.OPERATIONS,
    **transform_jobs.OPERATIONS,
    **models.OPERATIONS,
    **endpoint_configs.OPERATIONS,
    **endpoints.OPERATIONS,
    **model_package_groups.OPERATIONS,
    **model_packages.OPERATIONS,
    **tags.OPERATIONS,
}


class Api:
    """SageMaker's control plane."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """`rehearsal.backends.Call`."""
        handler = OPERATIONS.get(operation)
        if handler is None:
            raise _unknown(operation)
        service_model.check_request(operation, request)
        response = handler(self._context, request)
        service_model.check_response(operation, response)
        return response

    def change_execution(self, execution_arn: str, fields: dict[str, Any]) -> None:
        """`rehearsal.backends.ExecutionReports.change_execution`."""
        pipeline_executions.change_execution(self._context, execution_arn, fields)

    def record_step(self, execution_arn: str, step: dict[str, Any]) -> None:
        """`rehearsal.backends.ExecutionReports.record_step`."""
        pipeline_executions.record_step(self._context, execution_arn, step)


def _unknown(operation: str) -> ApiError:
    if operation in service_model.load().operation_names:
        return ApiError(
            "UnknownOperationException",
            f"The rehearsal has no {operation}: it works against AWS only.",
        )
    return ApiError("UnknownOperationException", f"SageMaker has no operation {operation}.")
