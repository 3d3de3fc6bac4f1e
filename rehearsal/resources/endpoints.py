"""Endpoints.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sagemaker-endpoint.html
"""

import contextlib
import logging
import re
import time

from rehearsal.backends import Call, Configuration, DeploymentConfig
from rehearsal.cloudformation import Properties, Provisioned, SageMakerType, retag, without
from rehearsal.errors import ApiError, NotFound, validation
from rehearsal.resources import deployments, variants
from rehearsal.resources.context import Context, Handler, Record
from rehearsal.resources.kind import ResourceKind
from rehearsal.resources.paging import Listing
from rehearsal.service_model import now
from rehearsal.store import Resource

KIND = ResourceKind(
    "endpoint",
    "Endpoint",
    Listing(
        "ListEndpoints",
        name="EndpointName",
        status="EndpointStatus",
        size=10,  # https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ListEndpoints.html
    ),
    missing='Could not find endpoint "{arn}".',
    duplicate='Cannot create already existing endpoint "{arn}".',
)
SERVING = frozenset({"InService", "Updating", "SystemUpdating", "RollingBack"})
_IN_PROGRESS = frozenset({"Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting"})
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeEndpoint.html
_LONGEST_REASON = 1024
_log = logging.getLogger(__name__)
_POLL_SECONDS = 0.2
_SETTLED = frozenset({"InService", "Failed", "OutOfService", "UpdateRollbackFailed"})


class Endpoint(SageMakerType):
    """`AWS::SageMaker::Endpoint`. A create or update ends when the endpoint serves, or fails."""

    replacing = ("EndpointName",)

    def __init__(self, call: Call, *, sees_rollbacks: bool = True) -> None:
        """The type on SageMaker's API.

        Args:
            sees_rollbacks: fails an update that SageMaker took back. AWS documents nowhere whether
                its own type does.
        """
        super().__init__(call)
        self._sees_rollbacks = sees_rollbacks

    def create(self, name: str, properties: Properties) -> Provisioned:
        """As `ResourceType.create`."""
        options = ("RetainAllVariantProperties", "ExcludeRetainedVariantProperties")
        endpoint = super().create(name, without(properties, "RetainDeploymentConfig", *options))
        settled = self._wait_until_settled(name)
        if settled["EndpointStatus"] != "InService":
            self._call("DeleteEndpoint", {"EndpointName": name})
            raise _failure(name, settled, "did not come up")
        return endpoint

    def update(self, physical_id: str, old: Properties, new: Properties) -> Provisioned:
        """As `ResourceType.update`."""
        named = self._named(physical_id)
        name = named["EndpointName"]
        retag(self._call, physical_id, old, new)
        if without(old, "Tags") != without(new, "Tags"):
            self._request("UpdateEndpoint", without(new, "Tags") | named)
            settled = self._wait_until_settled(name)
            # A failed update leaves the endpoint in service, with the reason.
            moved = settled.get("EndpointConfigName") == new["EndpointConfigName"]
            taken_back = not moved or "FailureReason" in settled
            if settled["EndpointStatus"] != "InService" or (taken_back and self._sees_rollbacks):
                raise _failure(name, settled, "was not updated")
        return self._provisioned(physical_id)

    def delete(self, physical_id: str) -> None:
        """As `ResourceType.delete`."""
        with contextlib.suppress(NotFound):
            self._wait_until_settled(self._named(physical_id)["EndpointName"])
        super().delete(physical_id)

    def _wait_until_settled(self, name: str) -> Record:
        """The endpoint, once it is in no state of passage."""
        _log.info("CloudFormation waits for the endpoint %s", name)
        while True:
            endpoint = self._call("DescribeEndpoint", {"EndpointName": name})
            if endpoint["EndpointStatus"] in _SETTLED:
                return endpoint
            time.sleep(_POLL_SECONDS)


def _failure(name: str, endpoint: Record, what: str) -> ApiError:
    reason = endpoint.get("FailureReason", "it gave no reason.")
    return ApiError("GeneralServiceException", f"The endpoint {name} {what}: {reason}")


def _create_endpoint(context: Context, request: Record) -> Record:
    # It is for later updates: a new endpoint has no traffic to shift.
    config = request.get("DeploymentConfig")
    with context.store.transaction():
        configuration = variants.resolve(context, request["EndpointConfigName"])
        deployments.to_deployment(config, configuration)
        more = {"EndpointStatus": "Creating", "LastDeploymentConfig": config}
        record = KIND.create(context, request, more)
    _send_event(context, "SageMaker Endpoint State Change", record)
    deploy(context, record["EndpointName"], configuration, DeploymentConfig())
    return {"EndpointArn": record["EndpointArn"]}


def _update_endpoint(context: Context, request: Record) -> Record:
    name = request["EndpointName"]
    with context.store.transaction():
        found = KIND.get(context, name)
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
        deployment = deployments.to_deployment(config, configuration)
        _refuse_other_variants(found, configuration, deployment)
        _refuse_to_serverless(found, configuration)
        change(
            context,
            found.name,
            {"EndpointStatus": "Updating", "FailureReason": None, "LastDeploymentConfig": config},
        )
    deploy(context, found.name, configuration, deployment)
    return {"EndpointArn": found.arn}


def _update_endpoint_weights_and_capacities(context: Context, request: Record) -> Record:
    with context.store.transaction():
        found = KIND.get(context, request["EndpointName"])
        _refuse_in_progress(found)
        _refuse_failed(found)
        capacities = deployments.to_capacities(found.record, request["DesiredWeightsAndCapacities"])
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
    serving = variants.describe(context, configuration) | {"FailureReason": None} | (then or {})

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
    changed = context.store.change(KIND.kind, name, lambda _: fields | {"LastModifiedTime": now()})
    if changed is None:
        return
    before, after = changed
    if before["EndpointStatus"] != after["EndpointStatus"]:
        _send_event(context, "SageMaker Endpoint State Change", after)
    if fields.get("PendingDeploymentSummary"):
        _send_event(context, "SageMaker Endpoint Deployment State Change", after)


def get_serving(context: Context, name: str) -> Record:
    """The record of an endpoint that takes requests, in the words of the runtime's errors.

    Raises:
        ApiError: ValidationError, it is not there or does not serve.
    """
    found, account = context.store.get(KIND.kind, name), context.settings.account
    if found is None:
        raise ApiError("ValidationError", f"Endpoint {name} of account {account} not found.")
    status = found.record["EndpointStatus"]
    if status not in SERVING:
        raise ApiError(
            "ValidationError", f"Endpoint {name} of account {account} is {status}, not InService."
        )
    return found.record


def _send_event(context: Context, detail_type: str, endpoint: Record) -> None:
    arn = endpoint["EndpointArn"]
    # The event writes IN_SERVICE where the API writes InService.
    status = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", endpoint["EndpointStatus"]).upper()
    detail = KIND.project(endpoint) | {"EndpointStatus": status}
    context.events.send_description(detail_type, detail, arn, context.store.tags(arn))


def _delete_endpoint(context: Context, request: Record) -> Record:
    with context.store.transaction():
        found = KIND.get(context, request["EndpointName"])
        _refuse_in_progress(found)
        change(context, found.name, {"EndpointStatus": "Deleting"})
    context.endpoints.delete(found.name)
    context.store.delete(KIND.kind, found.name)
    return {}


def _refuse_in_progress(found: Resource) -> None:
    if found.record["EndpointStatus"] in _IN_PROGRESS:
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


OPERATIONS: dict[str, Handler] = {
    "CreateEndpoint": _create_endpoint,
    "UpdateEndpoint": _update_endpoint,
    "UpdateEndpointWeightsAndCapacities": _update_endpoint_weights_and_capacities,
    "DescribeEndpoint": KIND.describe,
    "DeleteEndpoint": _delete_endpoint,
    "ListEndpoints": KIND.list_all,
}
