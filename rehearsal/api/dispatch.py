"""From the name of an operation, or of a CloudFormation type, to the resource that has it."""

from __future__ import annotations

from typing import Any

from rehearsal import service_model
from rehearsal.backends import Call
from rehearsal.cloudformation import ResourceType
from rehearsal.errors import ApiError
from rehearsal.modes import Modes
from rehearsal.resources import (
    endpoint_configs,
    endpoints,
    model_package_groups,
    model_packages,
    models,
    pipeline_executions,
    pipeline_steps,
    pipelines,
    processing_jobs,
    tags,
    training_jobs,
    transform_jobs,
)
from rehearsal.resources.context import Context, Handler
from rehearsal.resources.jobs import JobKind
from rehearsal.resources.kind import ResourceKind

JOB_KINDS: tuple[JobKind, ...] = (processing_jobs.KIND, training_jobs.KIND, transform_jobs.KIND)
KINDS: tuple[ResourceKind, ...] = (
    pipeline_executions.KIND,
    pipelines.KIND,
    *JOB_KINDS,
    endpoints.KIND,
    endpoint_configs.KIND,
    models.KIND,
    model_packages.KIND,
    model_package_groups.KIND,
)
"""Of a request that names resources of several kinds, the first here is the one that it is about: a
CreateEndpoint names a configuration too.
"""
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


def resource_types(call: Call, modes: Modes) -> list[ResourceType]:
    """SageMaker's CloudFormation types, done by its own API.

    Args:
        call: of that API.
    """
    types = (
        pipelines.Pipeline,
        model_package_groups.ModelPackageGroup,
        models.Model,
        endpoint_configs.EndpointConfig,
    )
    endpoint = endpoints.Endpoint(call, sees_rollbacks=not modes.unseen_rollbacks)
    return [*(each(call) for each in types), endpoint]


class Api:
    """SageMaker's control plane."""

    def __init__(self, context: Context) -> None:
        """Answers with what the context has."""
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
        pipeline_steps.record_step(self._context, execution_arn, step)


def _unknown(operation: str) -> ApiError:
    if operation in service_model.load().operation_names:
        return ApiError(
            "UnknownOperationException",
            f"The rehearsal has no {operation}: it works against AWS only.",
        )
    return ApiError("UnknownOperationException", f"SageMaker has no operation {operation}.")
