"""The variant that answers, and the one that only gets a copy of its requests."""

from aws_cdk import aws_sagemaker as sagemaker

from infra.settings import Endpoint

VARIANT = "AllTraffic"
SHADOW = "Shadow"

Variant = sagemaker.CfnEndpointConfig.ProductionVariantProperty


def variant(settings: Endpoint, model: sagemaker.CfnModel, name: str = VARIANT) -> Variant:
    """A variant on as many instances, or of as much memory, as the settings say.

    A shadow variant of the weight of the one that answers gets a copy of every request.
    """
    if settings.mode == "serverless":
        return Variant(
            variant_name=name,
            model_name=model.attr_model_name,
            initial_variant_weight=1,
            serverless_config=sagemaker.CfnEndpointConfig.ServerlessConfigProperty(
                memory_size_in_mb=settings.serverless_memory_megabytes,
                max_concurrency=settings.serverless_concurrency,
            ),
        )
    return Variant(
        variant_name=name,
        model_name=model.attr_model_name,
        initial_variant_weight=1,
        instance_type=settings.instance_type,
        initial_instance_count=settings.instance_count,
    )
