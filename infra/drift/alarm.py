"""The metric of drift and the alarm on it."""

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from infra.runbooks import described

NAMESPACE = "Shardwise"


def drift_metric(endpoint_name: str) -> cloudwatch.Metric:
    """Total variation distance of the class shares, less what chance explains: 0 to 1."""
    return cloudwatch.Metric(
        namespace=NAMESPACE,
        metric_name="ClassShareDrift",
        dimensions_map={"EndpointName": endpoint_name},
        statistic=cloudwatch.Stats.MAXIMUM,
        period=cdk.Duration.minutes(5),
    )


def drift_alarm(
    scope: Construct,
    construct_id: str,
    *,
    metric: cloudwatch.Metric,
    threshold: float,
    endpoint_name: str,
) -> cloudwatch.Alarm:
    """In alarm from a comparison past the threshold until one that is not."""
    return cloudwatch.Alarm(
        scope,
        construct_id,
        alarm_description=described(
            f"The classes that {endpoint_name} answers are not those that its model was trained "
            "on: ./scripts/drift shows them",
            "drift",
        ),
        metric=metric,
        threshold=threshold,
        evaluation_periods=1,
        comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
        # Between two comparisons, hours apart, nothing is known that would change its state.
        treat_missing_data=cloudwatch.TreatMissingData.IGNORE,
    )
