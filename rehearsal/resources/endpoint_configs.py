"""Endpoint configurations, and what their variants may be.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sagemaker-endpointconfig.html
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpointConfig.html
https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html (feature exclusions)
"""

from collections.abc import Sequence

from rehearsal.cloudformation import SageMakerType
from rehearsal.errors import validation
from rehearsal.resources import models
from rehearsal.resources.context import Context, Handler, Record
from rehearsal.resources.kind import ResourceKind
from rehearsal.resources.paging import Listing

KIND = ResourceKind(
    "endpoint-config",
    "EndpointConfig",
    Listing("ListEndpointConfigs", name="EndpointConfigName"),
    missing='Could not find endpoint configuration "{arn}".',
    duplicate='Cannot create already existing endpoint configuration "{arn}".',
)
_MEGABYTES = 1024
_NOT_SERVERLESS = ("AsyncInferenceConfig", "DataCaptureConfig", "ShadowProductionVariants")


class EndpointConfig(SageMakerType):
    """`AWS::SageMaker::EndpointConfig`."""

    replacing = (
        "EndpointConfigName",
        "AsyncInferenceConfig",
        "DataCaptureConfig",
        "EnableNetworkIsolation",
        "ExecutionRoleArn",
        "ExplainerConfig",
        "KmsKeyId",
        "MetricsConfig",
        "ProductionVariants",
        "ShadowProductionVariants",
        "VpcConfig",
    )


def _create_endpoint_config(context: Context, request: Record) -> Record:
    more = {"EnableNetworkIsolation": request.get("EnableNetworkIsolation", False)}
    with context.store.transaction():
        _check(context, request)
        record = KIND.create(context, request, more)
    return {"EndpointConfigArn": record["EndpointConfigArn"]}


def _check(context: Context, request: Record) -> None:
    production = request["ProductionVariants"]
    shadows = request.get("ShadowProductionVariants", [])
    _check_names([*production, *shadows])
    for variant in [*production, *shadows]:
        _check_variant(context, variant)
    if shadows:
        _check_shadows(request, production, shadows)
    if any("ServerlessConfig" in variant for variant in production):
        _check_serverless(context, request)


def _check_names(variants: Sequence[Record]) -> None:
    names = [variant["VariantName"] for variant in variants]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise validation(f"The variant name {twice[0]} is given twice: each needs its own.")


def _check_variant(context: Context, variant: Record) -> None:
    name = variant["VariantName"]
    if not variant.get("ModelName"):
        raise validation(
            f"The variant {name} has no ModelName: the rehearsal has no inference components."
        )
    models.KIND.get(context, variant["ModelName"])
    serverless = variant.get("ServerlessConfig")
    if serverless is None:
        if not variant.get("InstanceType"):
            raise validation(f"The variant {name} has neither InstanceType nor ServerlessConfig.")
        return
    for member in ("InstanceType", "InitialInstanceCount"):
        if member in variant:
            raise validation(f"The variant {name} is serverless: leave out its {member}.")
    if serverless["MemorySizeInMB"] % _MEGABYTES:
        raise validation(
            f"MemorySizeInMB of the variant {name} is {serverless['MemorySizeInMB']}: it must be "
            f"a multiple of {_MEGABYTES}."
        )
    if "ProvisionedConcurrency" in serverless:
        raise validation(
            f"The variant {name} has ProvisionedConcurrency: the rehearsal keeps no server warm."
        )


def _check_shadows(
    request: Record, production: Sequence[Record], shadows: Sequence[Record]
) -> None:
    if len(production) != 1 or len(shadows) != 1:
        raise validation(
            f"There are {len(production)} production and {len(shadows)} shadow variants: a "
            "configuration with a shadow has one of each."
        )
    if "AsyncInferenceConfig" in request or "ServerlessConfig" in shadows[0]:
        raise validation(
            "A shadow variant is for an endpoint of instances that answers at once: leave out "
            "AsyncInferenceConfig and ServerlessConfig."
        )


def _check_serverless(context: Context, request: Record) -> None:
    if len(request["ProductionVariants"]) > 1:
        raise validation("A serverless endpoint has one production variant.")
    for member in _NOT_SERVERLESS:
        if request.get(member):
            raise validation(f"A serverless endpoint takes no {member}: leave it out.")
    model = models.KIND.get(context, request["ProductionVariants"][0]["ModelName"]).record
    if (
        model.get("EnableNetworkIsolation")
        or request.get("EnableNetworkIsolation")
        or model.get("VpcConfig")
        or request.get("VpcConfig")
    ):
        raise validation(
            f"The model {model['ModelName']} has network isolation or a VPC: a serverless endpoint "
            "takes neither."
        )


OPERATIONS: dict[str, Handler] = {
    "CreateEndpointConfig": _create_endpoint_config,
    "DescribeEndpointConfig": KIND.describe,
    "DeleteEndpointConfig": KIND.delete,
    "ListEndpointConfigs": KIND.list_all,
}
