"""Metrics that AWS publishes about the chain."""

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch

from infra.serving.variants import VARIANT

PERIOD = cdk.Duration.minutes(5)


def executions(outcome: str, pipeline_name: str) -> cloudwatch.Metric:
    """Executions that `Started`, `Succeeded`, `Failed` or `Stopped`.

    https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html
    """
    return cloudwatch.Metric(
        namespace="AWS/Sagemaker/ModelBuildingPipeline",
        metric_name=f"Execution{outcome}",
        dimensions_map={"PipelineName": pipeline_name},
        statistic=cloudwatch.Stats.SUM,
        period=PERIOD,
        label=outcome,
    )


def endpoint(
    metric_name: str,
    endpoint_name: str,
    statistic: str = cloudwatch.Stats.SUM,
    *,
    label: str | None = None,
) -> cloudwatch.Metric:
    """A metric of the variant that answers, whichever model is behind it."""
    return cloudwatch.Metric(
        namespace="AWS/SageMaker",
        metric_name=metric_name,
        dimensions_map={"EndpointName": endpoint_name, "VariantName": VARIANT},
        statistic=statistic,
        period=PERIOD,
        label=label or metric_name,
    )


def waiting(metric_name: str, endpoint_name: str) -> cloudwatch.Metric:
    """A metric of an asynchronous endpoint's queue, at its longest."""
    return cloudwatch.Metric(
        namespace="AWS/SageMaker",
        metric_name=metric_name,
        dimensions_map={"EndpointName": endpoint_name},
        statistic=cloudwatch.Stats.MAXIMUM,
        period=PERIOD,
        label=metric_name,
    )
