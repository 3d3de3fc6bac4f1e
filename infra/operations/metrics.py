"""Metrics of AWS's and of our own, and the endpoint's graphs."""

from collections.abc import Mapping, Sequence

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_

from infra.names import NAMESPACE, VARIANT
from infra.serving.logs import MEAN_CONFIDENCE, PACKAGE_DIMENSION, metric_namespace
from infra.settings import Settings

PERIOD = cdk.Duration.minutes(5)
_PIPELINES = "AWS/Sagemaker/ModelBuildingPipeline"
_ENDPOINTS = "AWS/SageMaker"
_MINUTE = cdk.Duration.minutes(1)
_ERRORS = ("Invocation4XXErrors", "Invocation5XXErrors")
_PERCENTILES = tuple(cloudwatch.Stats.percentile(share) for share in (50, 90, 99))

Graphs = Mapping[str, Sequence[cloudwatch.IMetric]]
"""Metrics by the title of their graph."""


def _metric(
    namespace: str,
    name: str,
    statistic: str = cloudwatch.Stats.SUM,
    *,
    label: str | None = None,
    **dimensions: str,
) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace=namespace,
        metric_name=name,
        dimensions_map=dimensions,
        statistic=statistic,
        period=PERIOD,
        label=label,
    )


def executions(outcome: str, pipeline_name: str) -> cloudwatch.Metric:
    """Executions that `Started`, `Succeeded`, `Failed` or `Stopped`.

    https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html
    """
    return _metric(_PIPELINES, f"Execution{outcome}", label=outcome, PipelineName=pipeline_name)


def steps(outcome: str, pipeline_name: str, step: str, label: str) -> cloudwatch.Metric:
    """How often a step `Started`, `Succeeded`, `Failed` or `Stopped`."""
    return _metric(
        _PIPELINES, f"Step{outcome}", label=label, PipelineName=pipeline_name, StepName=step
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


def run(metric_name: str, pipeline_name: str, label: str) -> cloudwatch.Metric:
    """A point each time that an execution ends; the same one twice changes nothing."""
    maximum = cloudwatch.Stats.MAXIMUM
    return _metric(NAMESPACE, metric_name, maximum, label=label, PipelineName=pipeline_name)


def function_totals(
    metric_name: str, functions: Mapping[str, lambda_.IFunction]
) -> cloudwatch.MathExpression:
    """`Errors` or `Throttles` of all functions together.

    https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
    """
    using: dict[str, cloudwatch.IMetric] = {
        f"{metric_name.lower()}{number}": _metric(
            "AWS/Lambda", metric_name, FunctionName=function.function_name
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
    return _metric(
        _ENDPOINTS,
        metric_name,
        statistic,
        label=label or metric_name,
        EndpointName=endpoint_name,
        VariantName=VARIANT,
    )


def waiting(metric_name: str, endpoint_name: str) -> cloudwatch.Metric:
    """A metric of an asynchronous endpoint's queue, at its longest."""
    maximum = cloudwatch.Stats.MAXIMUM
    return _metric(_ENDPOINTS, metric_name, maximum, label=metric_name, EndpointName=endpoint_name)


def endpoint_graphs(settings: Settings) -> Graphs:
    """Requests, latency, confidence and what the mode scales by, by title."""
    return {
        **_requests(settings),
        "How many microseconds does the model take?": [
            endpoint("ModelLatency", settings.name, statistic, label=statistic)
            for statistic in _PERCENTILES
        ],
        "How sure is each model package of its answers?": [_confidence(settings)],
        **_capacity(settings),
    }


def _requests(settings: Settings) -> Graphs:
    # An asynchronous endpoint publishes no Invocations:
    # https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-monitor.html
    requests = (
        ("InvocationsProcessed", "InvocationFailures")
        if settings.endpoint.mode == "asynchronous"
        else ("Invocations",)
    )
    return {
        "Is the endpoint asked, and does it fail?": [
            endpoint(name, settings.name) for name in (*requests, *_ERRORS)
        ]
    }


def _confidence(settings: Settings) -> cloudwatch.IMetric:
    # Packages come and go, and the dashboard stays.
    schema = f'{{"{metric_namespace(settings)}",{PACKAGE_DIMENSION}}}'
    return cloudwatch.MathExpression(
        expression=f"SEARCH('{schema} MetricName=\"{MEAN_CONFIDENCE}\"', 'Average', 60)",
        label="",
        period=_MINUTE,
    )


def _capacity(settings: Settings) -> Graphs:
    match settings.endpoint.mode:
        case "serverless":
            cold = endpoint(
                "ModelSetupTime", settings.name, cloudwatch.Stats.percentile(99), label="p99"
            )
            return {"How many microseconds does a cold start take?": [cold]}
        case "asynchronous":
            queue: list[cloudwatch.IMetric] = [
                waiting(name, settings.name)
                for name in ("ApproximateBacklogSize", "ApproximateAgeOfOldestRequest")
            ]
            return {"How many requests wait, and the oldest how many seconds?": queue}
        case "instances":
            return {"How many instances answer?": [_instances(settings.name)]}


def _instances(endpoint_name: str) -> cloudwatch.IMetric:
    # Each request adds 1 to the one and 1/instances to the other.
    return cloudwatch.MathExpression(
        expression="invocations / each",
        using_metrics={
            "invocations": endpoint("Invocations", endpoint_name),
            "each": endpoint("InvocationsPerInstance", endpoint_name),
        },
        label="Instances",
        period=PERIOD,
    )
