"""Metrics of AWS's and of our own, and the endpoint's graphs and failures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_

from infra.names import ASYNCHRONOUS_FAILURES, NAMESPACE, VARIANT
from infra.serving.logs import MEAN_CONFIDENCE, PACKAGE_DIMENSION, EndpointLogs, metric_namespace
from infra.settings import Settings

PERIOD = cdk.Duration.minutes(5)
_PIPELINES = "AWS/Sagemaker/ModelBuildingPipeline"
_MINUTE = cdk.Duration.minutes(1)
_ERRORS = ("Invocation4XXErrors", "Invocation5XXErrors")
_PERCENTILES = tuple(cloudwatch.Stats.percentile(share) for share in (50, 90, 99))

Graphs = Mapping[str, Sequence[cloudwatch.IMetric]]
"""Metrics by the title of their graph."""


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


def run(metric_name: str, pipeline_name: str, label: str) -> cloudwatch.Metric:
    """A point each time that an execution ends; the same one twice changes nothing."""
    return cloudwatch.Metric(
        namespace=NAMESPACE,
        metric_name=metric_name,
        dimensions_map={"PipelineName": pipeline_name},
        statistic=cloudwatch.Stats.MAXIMUM,
        period=PERIOD,
        label=label,
    )


def function_totals(
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


@dataclass(frozen=True)
class Failure:
    """What people are notified of from `threshold` on, in so many periods one after the other."""

    metric: cloudwatch.Metric
    description: str
    runbook: str
    threshold: float = 1
    periods: int = 1


def endpoint_graphs(settings: Settings, endpoint_name: str) -> Graphs:
    """Requests, latency, confidence and what the mode scales by, by title."""
    return {
        **_requests(settings, endpoint_name),
        "How many microseconds does the model take?": [
            endpoint("ModelLatency", endpoint_name, statistic, label=statistic)
            for statistic in _PERCENTILES
        ],
        "How sure is each model package of its answers?": [_confidence(settings)],
        **_capacity(settings, endpoint_name),
    }


def endpoint_failures(settings: Settings, endpoint_name: str) -> dict[str, Failure]:
    """What people are notified of, by the id of its alarm."""
    slow = settings.endpoint.latency_alarm_milliseconds
    failures = {
        "EndpointErrors": Failure(
            endpoint("Invocation5XXErrors", endpoint_name),
            f"The endpoint {endpoint_name} answered with a server error",
            "endpoint-errors",
        ),
        "OverloadedEndpoint": Failure(
            EndpointLogs.overloads(settings),
            f"The endpoint {endpoint_name} refused requests, as too many waited",
            "slow-endpoint",
        ),
        "SlowEndpoint": Failure(
            endpoint("ModelLatency", endpoint_name, cloudwatch.Stats.percentile(99)),
            f"The endpoint {endpoint_name} has answered slowly for 15 minutes: the 99th percentile "
            f"is {slow} ms or more",
            "slow-endpoint",
            # CloudWatch has ModelLatency in microseconds.
            threshold=slow * 1000,
            periods=3,
        ),
    }
    if settings.endpoint.mode == "asynchronous":
        failures["AsynchronousFailures"] = Failure(
            endpoint("InvocationFailures", endpoint_name),
            f"A request to {endpoint_name} has no answer: the reason lies below "
            f"{ASYNCHRONOUS_FAILURES}",
            "asynchronous-failures",
        )
    return failures


def _requests(settings: Settings, endpoint_name: str) -> Graphs:
    # An asynchronous endpoint publishes no Invocations:
    # https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-monitor.html
    requests = (
        ("InvocationsProcessed", "InvocationFailures")
        if settings.endpoint.mode == "asynchronous"
        else ("Invocations",)
    )
    return {
        "Is the endpoint asked, and does it fail?": [
            endpoint(name, endpoint_name) for name in (*requests, *_ERRORS)
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


def _capacity(settings: Settings, endpoint_name: str) -> Graphs:
    match settings.endpoint.mode:
        case "serverless":
            cold = endpoint(
                "ModelSetupTime", endpoint_name, cloudwatch.Stats.percentile(99), label="p99"
            )
            return {"How many microseconds does a cold start take?": [cold]}
        case "asynchronous":
            queue: list[cloudwatch.IMetric] = [
                waiting(name, endpoint_name)
                for name in ("ApproximateBacklogSize", "ApproximateAgeOfOldestRequest")
            ]
            return {"How many requests wait, and the oldest how many seconds?": queue}
        case "instances":
            return {"How many instances answer?": [_instances(endpoint_name)]}


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
