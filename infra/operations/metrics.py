"""Metrics that AWS publishes about the chain."""

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch

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
    metric_name: str, endpoint_name: str, variant: str, statistic: str = cloudwatch.Stats.SUM
) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace="AWS/SageMaker",
        metric_name=metric_name,
        dimensions_map={"EndpointName": endpoint_name, "VariantName": variant},
        statistic=statistic,
        period=PERIOD,
        label=metric_name,
    )
