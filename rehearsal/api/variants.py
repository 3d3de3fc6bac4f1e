"""From an endpoint configuration to the variants that the backend runs."""

from __future__ import annotations

from rehearsal.api import endpoint_configs, model_packages, models
from rehearsal.api.context import Context, Record, now
from rehearsal.backends import Variant
from rehearsal.errors import validation

_STARTUP_SECONDS = 480  # AWS's default for ContainerStartupHealthCheckTimeoutInSeconds


def resolve(context: Context, config_name: str) -> list[Variant]:
    """The variants of a configuration, their models resolved.

    :raises ApiError: the configuration, a model or a package is not there.
    """
    config = endpoint_configs.get(context, config_name)
    return [_variant(context, config, variant) for variant in config["ProductionVariants"]]


def _variant(context: Context, config: Record, variant: Record) -> Variant:
    model = models.get(context, variant["ModelName"])
    containers = models.containers_of(model)
    if len(containers) > 1:
        raise validation(
            f"The model {model['ModelName']} has {len(containers)} containers: the rehearsal "
            "serves models of one."
        )
    container = _container(context, containers[0])
    serverless = "ServerlessConfig" in variant
    return Variant(
        name=variant["VariantName"],
        image=container["Image"],
        model_data_url=_model_data(container),
        environment=container.get("Environment", {}),
        instance_count=1 if serverless else variant.get("InitialInstanceCount", 1),
        weight=variant.get("InitialVariantWeight", 1.0),
        role_arn=model.get("ExecutionRoleArn") or config.get("ExecutionRoleArn", ""),
        network_isolation=bool(
            model.get("EnableNetworkIsolation") or config.get("EnableNetworkIsolation")
        ),
        model_package_arn=container.get("ModelPackageArn"),
        model_name=model["ModelName"],
        startup_health_check_timeout_seconds=variant.get(
            "ContainerStartupHealthCheckTimeoutInSeconds", _STARTUP_SECONDS
        ),
    )


def _container(context: Context, container: Record) -> Record:
    """A container whose image and data are known: its own, or its model package's."""
    if "ModelPackageName" not in container:
        return container
    package = model_packages.get(context, container["ModelPackageName"])
    offered = package.get("InferenceSpecification", {}).get("Containers", [])
    if len(offered) != 1:
        raise validation(
            f"The model package {package['ModelPackageArn']} has {len(offered)} containers: the "
            "rehearsal serves models of one."
        )
    environment = offered[0].get("Environment", {}) | container.get("Environment", {})
    resolved: Record = offered[0] | {
        "Environment": environment,
        "ModelPackageArn": package["ModelPackageArn"],
    }
    return resolved


def _model_data(container: Record) -> str | None:
    if url := container.get("ModelDataUrl"):
        return str(url)
    source = container.get("ModelDataSource", {}).get("S3DataSource")
    if source is None:
        return None
    if source["CompressionType"] != "Gzip" or source["S3DataType"] != "S3Object":
        raise validation(
            f"The model data {source['S3Uri']} is {source['CompressionType']} "
            f"{source['S3DataType']}: the rehearsal takes a Gzip S3Object."
        )
    return str(source["S3Uri"])


def summaries(variants: list[Variant]) -> list[Record]:
    """`ProductionVariants` of DescribeEndpoint, once they serve."""
    return [
        {
            "VariantName": variant.name,
            "DeployedImages": [
                {
                    "SpecifiedImage": variant.image,
                    "ResolvedImage": variant.image,
                    "ResolutionTime": now(),
                }
            ],
            "CurrentWeight": variant.weight,
            "DesiredWeight": variant.weight,
            "CurrentInstanceCount": variant.instance_count,
            "DesiredInstanceCount": variant.instance_count,
        }
        for variant in variants
    ]
