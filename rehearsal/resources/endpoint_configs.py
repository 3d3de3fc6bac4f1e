"""Endpoint configurations."""

from __future__ import annotations

from rehearsal import service_model
from rehearsal.errors import could_not_find, validation
from rehearsal.resources import variant_rules
from rehearsal.resources.context import Context, Handler, New, Record
from rehearsal.resources.paging import Listing
from rehearsal.service_model import now

KIND = "endpoint-config"
_LISTING = Listing(
    output="EndpointConfigs", summary="EndpointConfigSummary", name="EndpointConfigName"
)


def create_endpoint_config(context: Context, request: Record) -> Record:
    name = request["EndpointConfigName"]
    arn = context.arn(f"{KIND}/{name}")
    record = {key: value for key, value in request.items() if key != "Tags"} | {
        "EndpointConfigArn": arn,
        "CreationTime": now(),
        "EnableNetworkIsolation": request.get("EnableNetworkIsolation", False),
    }
    with context.store.transaction():
        variant_rules.check(context, request)
        context.add(
            New(KIND, name, arn, record),
            tags=request.get("Tags"),
            duplicate=validation(f'Cannot create already existing endpoint configuration "{arn}".'),
        )
    return {"EndpointConfigArn": arn}


def describe_endpoint_config(context: Context, request: Record) -> Record:
    return service_model.project(
        "DescribeEndpointConfigOutput", get(context, request["EndpointConfigName"])
    )


def get(context: Context, name: str) -> Record:
    """The record of a configuration.

    Raises:
        ApiError: ValidationException, there is none.
    """
    arn = context.arn(f"{KIND}/{name}")
    return context.get(KIND, name, could_not_find("endpoint configuration", arn)).record


def delete_endpoint_config(context: Context, request: Record) -> Record:
    with context.store.transaction():
        get(context, request["EndpointConfigName"])
        context.store.delete(KIND, request["EndpointConfigName"])
    return {}


def list_endpoint_configs(context: Context, request: Record) -> Record:
    return _LISTING.answer(request, context.store.all(KIND))


OPERATIONS: dict[str, Handler] = {
    "CreateEndpointConfig": create_endpoint_config,
    "DescribeEndpointConfig": describe_endpoint_config,
    "DeleteEndpointConfig": delete_endpoint_config,
    "ListEndpointConfigs": list_endpoint_configs,
}
