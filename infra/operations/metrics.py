"""Metrics that AWS publishes about the chain, and those that the reporter puts."""

from collections.abc import Mapping

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_

from infra.serving.variants import VARIANT
from infra.trigger.metrics import NAMESPACE

PERIOD = cdk.Duration.minutes(5)
_PIPELINES = "AWS/Sagemaker/ModelBuildingPipeline"


def executions(outcome: str, pipeline_name: str) -> cloudwatch.Metric:
    """Executions that `Started`, `Succeeded`, `Failed` or `Stopped`.

    https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html
    """
    return cloudwatch.Metric(
        namespace=_PIPELINES,
        metric_name=f"Execution{outcome}",
        dimensions_map={"PipelineName": pipeline_name},
        statistic=cloudwatch.Stats.SUM,
        period=PERIOD,
        label=outcome,
    )


def steps(outcome: str, pipeline_name: str, step: str, label: str) -> cloudwatch.Metric:
    """How often a step `Started`, `Succeeded`, `Failed` or `Stopped`."""
    return cloudwatch.Metric(
        namespace=_PIPELINES,
        metric_name=f"Step{outcome}",
        dimensions_map={"PipelineName": pipeline_name, "StepName": step},
        statistic=cloudwatch.Stats.SUM,
        period=PERIOD,
        label=label,
    )


def step_durations(pipeline_name: str) -> cloudwatch.MathExpression:
    """Milliseconds of every step, a line each."""
    return _by_step(_PIPELINES, "StepDuration", pipeline_name)


def step_costs(pipeline_name: str) -> cloudwatch.MathExpression:
    """USD of the jobs of every step, all its attempts together, a line each."""
    return _by_step(NAMESPACE, "StepCost", pipeline_name)


def _by_step(namespace: str, metric_name: str, pipeline_name: str) -> cloudwatch.MathExpression:
    # Steps come and go, and the dashboard stays.
    search = (
        f'{{"{namespace}",PipelineName,StepName}} PipelineName="{pipeline_name}" '
        f'MetricName="{metric_name}"'
    )
    return cloudwatch.MathExpression(
        expression=f"SEARCH('{search}', 'Maximum', 300)", label="", period=PERIOD
    )


def of_run(metric_name: str, pipeline_name: str, label: str) -> cloudwatch.Metric:
    """A point each time that an execution ends; the same one twice changes nothing."""
    return cloudwatch.Metric(
        namespace=NAMESPACE,
        metric_name=metric_name,
        dimensions_map={"PipelineName": pipeline_name},
        statistic=cloudwatch.Stats.MAXIMUM,
        period=PERIOD,
        label=label,
    )


def of_functions(
    metric_name: str, functions: Mapping[str, lambda_.IFunction]
) -> cloudwatch.MathExpression:
    """`Errors` or `Throttles` of all functions together.

    https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
    """
    using: dict[str, cloudwatch.IMetric] = {
        f"{metric_name.lower()}{number}": cloudwatch.Metric(
            namespace="AWS/Lambda",
            metric_name=metric_name,
            dimensions_map={"FunctionName": function.function_name},
            statistic=cloudwatch.Stats.SUM,
            period=PERIOD,
        )
        for number, function in enumerate(functions.values())
    }
    return cloudwatch.MathExpression(
        expression=" + ".join(f"FILL({name}, 0)" for name in using),
        using_metrics=using,
        label=f"{metric_name} of functions",
        period=PERIOD,
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
