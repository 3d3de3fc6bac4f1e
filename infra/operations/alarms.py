"""Alarms, each with its runbook, and whom they notify."""

from collections.abc import Mapping
from dataclasses import dataclass

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.names import ASYNCHRONOUS_FAILURES, with_runbook
from infra.operations import metrics
from infra.serving.logs import EndpointLogs
from infra.settings import Settings
from infra.trigger import held_drops


@dataclass(frozen=True)
class Failure:
    """What raises an alarm from `threshold` on, in so many periods one after the other.

    Attributes:
        notifies: whether people get the alarm itself, and no message in words in its place.
    """

    metric: cloudwatch.IMetric
    description: str
    runbook: str
    threshold: float = 1
    periods: int = 1
    notifies: bool = True


Failures = Mapping[str, Failure]
"""By the id of their alarm."""


def add_alarms(scope: Construct, failures: Failures, topic: sns.ITopic) -> list[cloudwatch.Alarm]:
    """An alarm for each, in their order."""
    alarms = []
    for construct_id, failure in failures.items():
        alarm = cloudwatch.Alarm(
            scope,
            construct_id,
            alarm_description=with_runbook(failure.description, failure.runbook),
            metric=failure.metric,
            threshold=failure.threshold,
            evaluation_periods=failure.periods,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        if failure.notifies:
            alarm.add_alarm_action(actions.SnsAction(topic))
        alarms.append(alarm)
    return alarms


def failed_executions(pipeline_name: str) -> Failures:
    """Failed executions, of which the reporter tells in words, and drops that are held."""
    return {
        "FailedExecutions": Failure(
            metrics.executions("Failed", pipeline_name),
            f"An execution of {pipeline_name} failed",
            "failed-executions",
            notifies=False,
        ),
        "HeldDrops": Failure(
            held_drops(pipeline_name),
            f"As many executions of {pipeline_name} as may began in the last 24 hours: drops wait "
            "for ./scripts/drops --release",
            "held-drops",
        ),
    }


def failed_requests(settings: Settings) -> Failures:
    """The endpoint's failures, by its mode."""
    endpoint_name, slow = settings.name, settings.endpoint.latency_alarm_milliseconds
    failures = {
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
        failures["AsynchronousFailures"] = Failure(
            metrics.endpoint("InvocationFailures", endpoint_name),
            f"A request to {endpoint_name} has no answer: the reason lies below "
            f"{ASYNCHRONOUS_FAILURES}",
            "asynchronous-failures",
        )
    return failures


def failed_functions(functions: Mapping[str, lambda_.IFunction]) -> Failures:
    """One alarm for all: what is done about it is the same, and each alarm is billed."""
    return {
        construct_id: Failure(
            metrics.function_totals(metric_name, functions),
            f"A function of these {what}: {', '.join(functions)}",
            "failed-functions",
        )
        for construct_id, metric_name, what in (
            ("FailedFunctions", "Errors", "failed"),
            ("ThrottledFunctions", "Throttles", "was throttled"),
        )
    }


def dead_letters(depths: Mapping[str, cloudwatch.IMetric]) -> Failures:
    """Messages in each queue of failed events, by what they are."""
    return {
        f"Failed{name}": Failure(depth, f"{name} that failed wait in their queue", "dead-letters")
        for name, depth in depths.items()
    }
