"""Endpoints."""

from __future__ import annotations

from rehearsal import service_model
from rehearsal.backends import Configuration, DeploymentConfig
from rehearsal.errors import ApiError, could_not_find, validation
from rehearsal.resources import capacity_changes, deployment_configs, variants
from rehearsal.resources.context import Context, Handler, New, Record
from rehearsal.resources.paging import Listing
from rehearsal.service_model import now
from rehearsal.store import Resource

KIND = "endpoint"
IN_PROGRESS = frozenset({"Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting"})
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeEndpoint.html
_LONGEST_REASON = 1024
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
    with context.store.transaction():
        configuration = variants.resolve(context, config)
        # It is for later updates: a new endpoint has no traffic to shift.
        deployment_configs.resolve(request.get("DeploymentConfig"), configuration)
        context.add(
            New(KIND, name, arn, record),
            tags=request.get("Tags"),
            duplicate=validation(f'Cannot create already existing endpoint "{arn}".'),
        )
    context.events.endpoint(record, context.store.tags(arn))
    deploy(context, name, configuration, DeploymentConfig())
    return {"EndpointArn": arn}


def update_endpoint(context: Context, request: Record) -> Record:
    name = request["EndpointName"]
    with context.store.transaction():
        found = get(context, name)
        _refuse_in_progress(found)
        _refuse_failed(found)
        configuration = variants.resolve(context, request["EndpointConfigName"])
        if request.get("RetainAllVariantProperties"):
            excluded = request.get("ExcludeRetainedVariantProperties", [])
            configuration = variants.retain(
                configuration,
                found.record.get("ProductionVariants", []),
                [each["VariantPropertyType"] for each in excluded],
            )
        config = request.get("DeploymentConfig")
        if request.get("RetainDeploymentConfig"):
            config = found.record.get("LastDeploymentConfig")
        deployment = deployment_configs.resolve(config, configuration)
        _refuse_other_variants(found, configuration, deployment)
        _refuse_to_serverless(found, configuration)
        change(
            context,
            found.name,
            {"EndpointStatus": "Updating", "FailureReason": None, "LastDeploymentConfig": config},
        )
    deploy(context, found.name, configuration, deployment)
    return {"EndpointArn": found.arn}


def update_endpoint_weights_and_capacities(context: Context, request: Record) -> Record:
    with context.store.transaction():
        found = get(context, request["EndpointName"])
        _refuse_in_progress(found)
        _refuse_failed(found)
        capacities = capacity_changes.resolve(found.record, request["DesiredWeightsAndCapacities"])
        change(context, found.name, {"EndpointStatus": "Updating", "FailureReason": None})
    context.endpoints.change_capacity(
        found.name, capacities, lambda fields: change(context, found.name, fields)
    )
    return {"EndpointArn": found.arn}


def deploy(
    context: Context,
    name: str,
    configuration: Configuration,
    deployment: DeploymentConfig,
    then: Record | None = None,
) -> None:
    """Lets the backend bring a configuration's variants up.

    Args:
        then: further fields of the record, once they serve.
    """
    # Now, as the configuration may be deleted while it is deployed.
    serving = variants.shown(context, configuration) | {"FailureReason": None} | (then or {})

    def apply(fields: Record) -> None:
        if "EndpointStatus" in fields:
            fields = {"PendingDeploymentSummary": None} | fields
        succeeded = fields.get("EndpointStatus") == "InService" and "FailureReason" not in fields
        change(context, name, serving | fields if succeeded else fields)

    context.endpoints.deploy(name, configuration, deployment, apply)


def change(context: Context, name: str, fields: Record) -> None:
    """Merges fields into an endpoint's record, and sends the event of a new status or step."""
    if reason := fields.get("FailureReason"):
        fields = fields | {"FailureReason": reason[:_LONGEST_REASON]}
    changed = context.store.change(KIND, name, lambda _: fields | {"LastModifiedTime": now()})
    if changed is None:
        return
    before, after = changed
    if before["EndpointStatus"] != after["EndpointStatus"]:
        context.events.endpoint(after, context.store.tags(after["EndpointArn"]))
    if fields.get("PendingDeploymentSummary"):
        context.events.endpoint_deployment(after, context.store.tags(after["EndpointArn"]))


def get(context: Context, name: str) -> Resource:
    """The endpoint of a name.

    Raises:
        ApiError: ValidationException, there is none.
    """
    return context.get(KIND, name, _missing(context, name))


def describe_endpoint(context: Context, request: Record) -> Record:
    return service_model.project(
        "DescribeEndpointOutput", get(context, request["EndpointName"]).record
    )


def delete_endpoint(context: Context, request: Record) -> Record:
    with context.store.transaction():
        found = get(context, request["EndpointName"])
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


def _refuse_failed(found: Resource) -> None:
    """DeleteEndpoint "is the only operation that can be performed on a failed endpoint":
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeEndpoint.html
    """
    if found.record["EndpointStatus"] == "Failed":
        raise validation(
            f'Cannot update endpoint "{found.arn}" in status Failed: it can only be deleted.'
        )


def _refuse_other_variants(
    found: Resource, configuration: Configuration, deployment: DeploymentConfig
) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-exclusions.html"""
    before = {each["VariantName"] for each in found.record.get("ProductionVariants", [])}
    after = {variant.name for variant in configuration.variants}
    if len(deployment.steps) > 1 and before and before != after:
        raise validation(
            f"The endpoint has the variants {', '.join(sorted(before))} and the configuration "
            f"{configuration.name} has {', '.join(sorted(after))}: traffic is shifted in steps "
            "between variants of the same names only."
        )


def _refuse_to_serverless(found: Resource, configuration: Configuration) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html"""
    before = found.record.get("ProductionVariants", [])
    has_instances = bool(before) and not any("CurrentServerlessConfig" in each for each in before)
    if has_instances and any(variant.serverless for variant in configuration.variants):
        raise validation(
            f"The endpoint {found.name} has instances and can't become serverless: delete it and "
            "make it anew."
        )


def _missing(context: Context, name: str) -> ApiError:
    return could_not_find("endpoint", context.arn(f"{KIND}/{name}"))


OPERATIONS: dict[str, Handler] = {
    "CreateEndpoint": create_endpoint,
    "UpdateEndpoint": update_endpoint,
    "UpdateEndpointWeightsAndCapacities": update_endpoint_weights_and_capacities,
    "DescribeEndpoint": describe_endpoint,
    "DeleteEndpoint": delete_endpoint,
    "ListEndpoints": list_endpoints,
}
