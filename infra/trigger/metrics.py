"""Metrics that the starter puts."""

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch

NAMESPACE = "Shardwise"
SCHEDULE = cdk.Duration.minutes(15)
"""How often the starter looks without an event, and so puts them at least."""


def waiting_drops(pipeline_name: str) -> cloudwatch.Metric:
    """Drops that have no run yet."""
    return _metric("WaitingDrops", pipeline_name)


def held_drops(pipeline_name: str) -> cloudwatch.Metric:
    """Those of them that wait for a person, as `trigger.executions_per_day` is reached."""
    return _metric("HeldDrops", pipeline_name)


def _metric(name: str, pipeline_name: str) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace=NAMESPACE,
        metric_name=name,
        dimensions_map={"PipelineName": pipeline_name},
        statistic=cloudwatch.Stats.MAXIMUM,
        period=SCHEDULE,
        label=name,
    )
