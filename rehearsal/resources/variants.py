"""From an endpoint configuration to the variants that the backend runs."""

from collections.abc import Sequence
from dataclasses import replace

from rehearsal.backends import (
    STARTUP_SECONDS,
    Configuration,
    DataCapture,
    ServerlessConfig,
    Variant,
)
from rehearsal.endpoints.capacities import summary
from rehearsal.errors import validation
from rehearsal.resources import endpoint_configs, model_packages, models
from rehearsal.resources.context import Context, Record


def resolve(context: Context, config_name: str) -> Configuration:
    """A configuration with the models of its variants.

    Raises:
        ApiError: the configuration, a model or a package is not there.
    """
    config = endpoint_configs.KIND.get(context, config_name).record
    shadows = config.get("ShadowProductionVariants", [])
    return Configuration(
        name=config["EndpointConfigName"],
        variants=[_variant(context, config, each) for each in config["ProductionVariants"]],
        shadow_variants=[_variant(context, config, each) for each in shadows],
        data_capture=_data_capture(config.get("DataCaptureConfig")),
        asynchronous="AsyncInferenceConfig" in config,
        volume_key_id=config.get("KmsKeyId"),
    )


def from_model(context: Context, model_name: str, name: str, instance_count: int) -> Variant:
    """A model that no endpoint configuration names, on so many instances.

    Raises:
        ApiError: the model or its package is not there.
    """
    wanted = {"VariantName": name, "ModelName": model_name, "InitialInstanceCount": instance_count}
    return _variant(context, {}, wanted)


def retain(
    configuration: Configuration, summaries: Sequence[Record], excluded: Sequence[str] = ()
) -> Configuration:
    """The configuration, its variants with the instances and weights that those of the same name
    have now.

    Args:
        summaries: `ProductionVariants` of DescribeEndpoint.
        excluded: of `DesiredInstanceCount` and `DesiredWeight`, not to be retained.
    """
    earlier = {each["VariantName"]: each for each in summaries}
    return replace(
        configuration,
        variants=[
            _retain(variant, earlier.get(variant.name, {}), excluded)
            for variant in configuration.variants
        ],
    )


def _retain(variant: Variant, earlier: Record, excluded: Sequence[str]) -> Variant:
    retained = {key: value for key, value in earlier.items() if key not in excluded}
    count = variant.instance_count
    if not variant.serverless:
        count = retained.get("DesiredInstanceCount", count)
    return replace(
        variant, instance_count=count, weight=retained.get("DesiredWeight", variant.weight)
    )


def _data_capture(config: Record | None) -> DataCapture | None:
    if config is None or not config.get("EnableCapture", True):
        return None
    modes: set[str] = set()
    for option in config["CaptureOptions"]:
        mode = option["CaptureMode"]
        modes |= {"INPUT", "OUTPUT"} if mode == "InputAndOutput" else {mode.upper()}
    types = config.get("CaptureContentTypeHeader", {})
    return DataCapture(
        sampling_share=config["InitialSamplingPercentage"] / 100,
        destination_s3_uri=config["DestinationS3Uri"],
        kms_key_id=config.get("KmsKeyId"),
        modes=frozenset(modes),
        csv_content_types=frozenset(each.lower() for each in types.get("CsvContentTypes", [])),
        json_content_types=frozenset(each.lower() for each in types.get("JsonContentTypes", [])),
    )


def _variant(context: Context, config: Record, variant: Record) -> Variant:
    model = models.KIND.get(context, variant["ModelName"]).record
    containers = models.containers_of(model)
    if len(containers) > 1:
        raise validation(
            f"The model {model['ModelName']} has {len(containers)} containers: the rehearsal "
            "serves models of one."
        )
    container = _container(context, containers[0])
    serverless = variant.get("ServerlessConfig")
    return Variant(
        name=variant["VariantName"],
        image=container["Image"],
        model_data_url=_model_data(container),
        environment=container.get("Environment", {}),
        instance_count=1 if serverless else variant.get("InitialInstanceCount", 1),
        weight=variant.get("InitialVariantWeight", 1.0),
        role_arn=model.get("ExecutionRoleArn") or config.get("ExecutionRoleArn", ""),
        model_package_arn=container.get("ModelPackageArn"),
        startup_health_check_timeout_seconds=variant.get(
            "ContainerStartupHealthCheckTimeoutInSeconds", STARTUP_SECONDS
        ),
        serverless=ServerlessConfig(serverless["MemorySizeInMB"], serverless["MaxConcurrency"])
        if serverless
        else None,
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


def describe(context: Context, configuration: Configuration) -> Record:
    """What DescribeEndpoint shows of a configuration once it serves."""
    config = endpoint_configs.KIND.get(context, configuration.name).record
    return {
        "EndpointConfigName": configuration.name,
        "ProductionVariants": [summary(variant) for variant in configuration.variants],
        "ShadowProductionVariants": [summary(each) for each in configuration.shadow_variants]
        or None,
        "DataCaptureConfig": _describe_capture(config.get("DataCaptureConfig")),
        "AsyncInferenceConfig": config.get("AsyncInferenceConfig"),
    }


def _describe_capture(config: Record | None) -> Record | None:
    if config is None:
        return None
    enabled = config.get("EnableCapture", True)
    return {
        "EnableCapture": enabled,
        "CaptureStatus": "Started" if enabled else "Stopped",
        "CurrentSamplingPercentage": config["InitialSamplingPercentage"],
        "DestinationS3Uri": config["DestinationS3Uri"],
        "KmsKeyId": config.get("KmsKeyId", ""),
    }
