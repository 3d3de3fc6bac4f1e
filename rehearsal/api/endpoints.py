"""Endpoints."""

from __future__ import annotations

from rehearsal.api import shapes, variants
from rehearsal.api.context import Context, Handler, New, Record, now
from rehearsal.api.paging import Listing
from rehearsal.api.store import Resource
from rehearsal.backends import Variant
from rehearsal.errors import ApiError, missing, validation

KIND = "endpoint"
IN_PROGRESS = frozenset({"Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting"})
_LISTING = Listing(
    output="Endpoints",
    summary="EndpointSummary",
    name="EndpointName",
    status="EndpointStatus",
    size=10,  # https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ListEndpoints.html
)


def create_endpoint(context: Context, request: Record) -> Record:
    name, config = request["EndpointName"], request["EndpointConfigName"]
    arn = context.arn(f"{KIND}/{name}")
    fleet = variants.resolve(context, config)
    time = now()
    record: Record = {
        "EndpointName": name,
        "EndpointArn": arn,
        "EndpointConfigName": config,
        "EndpointStatus": "Creating",
        "LastDeploymentConfig": request.get("DeploymentConfig"),
        "CreationTime": time,
        "LastModifiedTime": time,
    }
    context.add(
        New(KIND, name, arn, record),
        tags=request.get("Tags"),
        duplicate=validation(f'Cannot create already existing endpoint "{arn}".'),
    )
    context.events.endpoint(record, context.store.tags(arn))
    deploy(context, name, config, fleet)
    return {"EndpointArn": arn}


def update_endpoint(context: Context, request: Record) -> Record:
    found = get(context, request["EndpointName"])
    config = request["EndpointConfigName"]
    fleet = variants.resolve(context, config)
    with context.store.transaction():
        found = get(context, found.name)
        _refuse_in_progress(found)
        changes: Record = {"EndpointStatus": "Updating", "FailureReason": None}
        if not request.get("RetainDeploymentConfig"):
            changes["LastDeploymentConfig"] = request.get("DeploymentConfig")
        change(context, found.name, changes)
    deploy(context, found.name, config, fleet)
    return {"EndpointArn": found.arn}


def deploy(context: Context, name: str, config: str, fleet: list[Variant]) -> None:
    """Lets the backend bring a configuration's variants up."""

    def apply(fields: Record) -> None:
        succeeded = fields.get("EndpointStatus") == "InService" and "FailureReason" not in fields
        serving: Record = {"EndpointConfigName": config, "FailureReason": None}
        serving["ProductionVariants"] = variants.summaries(fleet)
        change(context, name, serving | fields if succeeded else fields)

    context.endpoints.deploy(name, fleet, apply)


def change(context: Context, name: str, fields: Record) -> None:
    """Merges fields into an endpoint's record, and sends the event of a new status."""
    changed = context.store.change(KIND, name, lambda _: fields | {"LastModifiedTime": now()})
    if changed is None:
        return
    before, after = changed
    if before["EndpointStatus"] != after["EndpointStatus"]:
        context.events.endpoint(after, context.store.tags(after["EndpointArn"]))


def get(context: Context, name: str) -> Resource:
    """The endpoint of a name.

    :raises ApiError: ValidationException, there is none.
    """
    return context.get(KIND, name, _missing(context, name))


def describe_endpoint(context: Context, request: Record) -> Record:
    return shapes.project("DescribeEndpointOutput", get(context, request["EndpointName"]).record)


def delete_endpoint(context: Context, request: Record) -> Record:
    found = get(context, request["EndpointName"])
    with context.store.transaction():
        found = get(context, found.name)
        _refuse_in_progress(found)
        change(context, found.name, {"EndpointStatus": "Deleting"})
    context.endpoints.delete(found.name)
    context.store.delete(KIND, found.name)
    return {}


def list_endpoints(context: Context, request: Record) -> Record:
    return _LISTING.answer(request, context.store.all(KIND))


def _refuse_in_progress(found: Resource) -> None:
    if found.record["EndpointStatus"] in IN_PROGRESS:
        raise validation(f'Cannot update in-progress endpoint "{found.arn}".')


def _missing(context: Context, name: str) -> ApiError:
    return missing("endpoint", context.arn(f"{KIND}/{name}"))


OPERATIONS: dict[str, Handler] = {
    "CreateEndpoint": create_endpoint,
    "UpdateEndpoint": update_endpoint,
    "DescribeEndpoint": describe_endpoint,
    "DeleteEndpoint": delete_endpoint,
    "ListEndpoints": list_endpoints,
}
