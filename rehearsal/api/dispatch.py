"""From the name of an operation, or of a CloudFormation type, to the resource that has it."""

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

_RESOURCES = (
    pipeline_executions,
    pipelines,
    processing_jobs,
    training_jobs,
    transform_jobs,
    endpoints,
    endpoint_configs,
    models,
    model_packages,
    model_package_groups,
)
KINDS: tuple[ResourceKind, ...] = tuple(each.KIND for each in _RESOURCES)
"""Of a request that names resources of several kinds, the first here is the one that it is about: a
CreateEndpoint names a configuration too.
"""
JOB_KINDS: tuple[JobKind, ...] = tuple(each for each in KINDS if isinstance(each, JobKind))
OPERATIONS: dict[str, Handler] = tags.OPERATIONS | {
    name: handler for each in _RESOURCES for name, handler in each.OPERATIONS.items()
}


def resource_types(call: Call, modes: Modes) -> list[ResourceType]:
    """SageMaker's CloudFormation types, done by its own API."""
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
        self._context = context

    def call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """`rehearsal.backends.Call`."""
        handler = OPERATIONS.get(operation)
        if handler is None:
            what = f"SageMaker has no operation {operation}."
            if operation in service_model.load().operation_names:
                what = f"The rehearsal has no {operation}: it works against AWS only."
            raise ApiError("UnknownOperationException", what)
        model = service_model.operation(operation)
        service_model.check_request(model.input_shape, request)
        response = handler(self._context, request)
        service_model.check_response(model.output_shape, response)
        return response

    def change_execution(self, execution_arn: str, fields: dict[str, Any]) -> None:
        """`rehearsal.backends.ExecutionReports.change_execution`."""
        pipeline_executions.change_execution(self._context, execution_arn, fields)

    def record_step(self, execution_arn: str, step: dict[str, Any]) -> None:
        """`rehearsal.backends.ExecutionReports.record_step`."""
        pipeline_steps.record_step(self._context, execution_arn, step)
