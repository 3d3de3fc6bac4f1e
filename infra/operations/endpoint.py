"""What is shown and told of the endpoint, by its mode."""

from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch

from infra.operations import metrics
from infra.serving.logs import MEAN_CONFIDENCE, PACKAGE_DIMENSION, EndpointLogs, metric_namespace
from infra.settings import Settings

_MINUTE = cdk.Duration.minutes(1)
_ERRORS = ("Invocation4XXErrors", "Invocation5XXErrors")
_PERCENTILES = tuple(cloudwatch.Stats.percentile(share) for share in (50, 90, 99))

Graphs = dict[str, list[cloudwatch.IMetric]]


@dataclass(frozen=True)
class Failure:
    """What people are told of from `threshold` on, in so many periods one after the other."""

    metric: cloudwatch.Metric
    description: str
    runbook: str
    threshold: float = 1
    periods: int = 1


def graphs(settings: Settings, endpoint_name: str) -> Graphs:
    """Requests, latency, confidence and what the mode scales by, by title."""
    return {
        **_requests(settings, endpoint_name),
        "How many microseconds does the model take?": [
            metrics.endpoint("ModelLatency", endpoint_name, statistic, label=statistic)
            for statistic in _PERCENTILES
        ],
        "How sure is each model package of its answers?": [_confidence(settings)],
        **_capacity(settings, endpoint_name),
    }


def failures(settings: Settings, endpoint_name: str) -> dict[str, Failure]:
    """What people are told of, by the id of its alarm."""
    slow = settings.endpoint.latency_alarm_milliseconds
    found = {
        "EndpointErrors": Failure(
            metrics.endpoint("Invocation5XXErrors", endpoint_name),
            f"The endpoint {endpoint_name} answered with a server error",
            "endpoint-errors",
        ),
        "OverloadedEndpoint": Failure(
            EndpointLogs.overloads(settings),
            f"The endpoint {endpoint_name} refused requests, as too many waited",
            "slow-endpoint",
        ),
        "SlowEndpoint": Failure(
            metrics.endpoint("ModelLatency", endpoint_name, cloudwatch.Stats.percentile(99)),
            f"The endpoint {endpoint_name} has answered slowly for 15 minutes: the 99th percentile "
            f"is {slow} ms or more",
            "slow-endpoint",
            # CloudWatch has ModelLatency in microseconds.
            threshold=slow * 1000,
            periods=3,
        ),
    }
    if settings.endpoint.mode == "asynchronous":
        found["AsynchronousFailures"] = Failure(
            metrics.endpoint("InvocationFailures", endpoint_name),
            f"A request to {endpoint_name} has no answer: the reason lies below "
            "asynchronous/failures/",
            "asynchronous-failures",
        )
    return found


def _requests(settings: Settings, endpoint_name: str) -> Graphs:
    # An asynchronous endpoint publishes no Invocations:
    # https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-monitor.html
    of_mode = (
        ("InvocationsProcessed", "InvocationFailures")
        if settings.endpoint.mode == "asynchronous"
        else ("Invocations",)
    )
    return {
        "Is the endpoint asked, and does it fail?": [
            metrics.endpoint(name, endpoint_name) for name in (*of_mode, *_ERRORS)
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
            cold = metrics.endpoint(
                "ModelSetupTime", endpoint_name, cloudwatch.Stats.percentile(99), label="p99"
            )
            return {"How many microseconds does a cold start take?": [cold]}
        case "asynchronous":
            waiting = [
                metrics.waiting(name, endpoint_name)
                for name in ("ApproximateBacklogSize", "ApproximateAgeOfOldestRequest")
            ]
            return {"How many requests wait, and the oldest how many seconds?": [*waiting]}
        case "instances":
            return {"How many instances answer?": [_instances(endpoint_name)]}


def _instances(endpoint_name: str) -> cloudwatch.IMetric:
    # Each request adds 1 to the one and 1/instances to the other.
    return cloudwatch.MathExpression(
        expression="invocations / each",
        using_metrics={
            "invocations": metrics.endpoint("Invocations", endpoint_name),
            "each": metrics.endpoint("InvocationsPerInstance", endpoint_name),
        },
        label="Instances",
        period=metrics.PERIOD,
    )
