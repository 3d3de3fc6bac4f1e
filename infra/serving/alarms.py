"""What rolls a new model back while it gets its first traffic."""

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from infra.settings import Endpoint

VARIANT = "AllTraffic"


class RollbackAlarms(Construct):
    """Errors and latency of the endpoint's one variant, by the minute.

    :ivar names: names of the alarms.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, settings: Endpoint, endpoint_name: str
    ) -> None:
        super().__init__(scope, construct_id)
        self._dimensions = {"EndpointName": endpoint_name, "VariantName": VARIANT}
        errors = self._alarm(
            "ServerErrors",
            metric="Invocation5XXErrors",
            statistic=cloudwatch.Stats.SUM,
            threshold=1,
            description=f"{endpoint_name} answered with a server error",
        )
        latency = self._alarm(
            "Latency",
            metric="ModelLatency",
            statistic=cloudwatch.Stats.percentile(99),
            # CloudWatch has ModelLatency in microseconds.
            threshold=settings.latency_alarm_milliseconds * 1000,
            description=f"{endpoint_name} answers slowly",
        )
        self.names = [errors.alarm_name, latency.alarm_name]

    def _alarm(
        self, construct_id: str, *, metric: str, statistic: str, threshold: float, description: str
    ) -> cloudwatch.Alarm:
        return cloudwatch.Alarm(
            self,
            construct_id,
            alarm_description=description,
            metric=cloudwatch.Metric(
                namespace="AWS/SageMaker",
                metric_name=metric,
                dimensions_map=self._dimensions,
                statistic=statistic,
                period=cdk.Duration.minutes(1),
            ),
            threshold=threshold,
            evaluation_periods=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
