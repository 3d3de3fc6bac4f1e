"""What takes a new model back while it gets its first traffic."""

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from infra.names import VARIANT, with_runbook
from infra.serving.logs import EndpointLogs
from infra.settings import Settings
from infra.settings.endpoint import ALARM_PERIOD_SECONDS, ALARM_PERIODS

_GREATER_OR_EQUAL = cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD
_PERIOD = cdk.Duration.seconds(ALARM_PERIOD_SECONDS)
_LESS = cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD


class RollbackAlarms(Construct):
    """Errors, latency and confidence of the new instances alone, by the minute.

    The old ones are left out by the name of the configuration and by the model package, so that a
    bad model can't stop the one that mends it.
    https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-configuration.html
    """

    def __init__(  # noqa: PLR0913 - CDK props
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        configuration: sagemaker.CfnEndpointConfig,
        model_package: str,
        logs: EndpointLogs,
    ) -> None:
        super().__init__(scope, construct_id)
        self._dimensions = {
            "EndpointName": settings.name,
            "VariantName": VARIANT,
            "EndpointConfigName": configuration.attr_endpoint_config_name,
        }
        alarms = self._alarms(settings, logs.mean_confidence(model_package))
        self.names = [alarm.alarm_name for alarm in alarms]
        self._arns = [alarm.alarm_arn for alarm in alarms]

    def _alarms(self, settings: Settings, confidence: cloudwatch.Metric) -> list[cloudwatch.Alarm]:
        name, slow = settings.name, settings.endpoint.latency_alarm_milliseconds
        least = settings.endpoint.minimum_confidence
        alarms = [
            self._alarm(
                "ServerErrors",
                self._metric("Invocation5XXErrors", cloudwatch.Stats.SUM),
                threshold=1,
                description=f"The newest model of {name} answered with a server error",
            ),
            self._alarm(
                "Latency",
                self._metric("ModelLatency", cloudwatch.Stats.percentile(99)),
                # CloudWatch has ModelLatency in microseconds.
                threshold=slow * 1000,
                description=f"The newest model of {name} answers slowly: the 99th percentile "
                f"is {slow} ms or more",
            ),
        ]
        if least:
            low = self._alarm(
                "Confidence",
                confidence,
                threshold=least,
                description=f"The newest model of {name} is unsure: its answers have a mean "
                f"probability below {least:g}",
                comparison=_LESS,
                runbook="low-confidence",
            )
            alarms.append(low)
        return alarms

    def grant_describe(self, role: iam.Role) -> iam.Policy:
        """See the alarms, as AWS asks of an endpoint's role.

        A policy of its own: the model, which the alarms know, waits for the role's others.
        """
        policy = iam.Policy(self, "Describe", roles=[role])
        policy.add_statements(
            iam.PolicyStatement(actions=["cloudwatch:DescribeAlarms"], resources=self._arns)
        )
        return policy

    def _metric(self, name: str, statistic: str) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace="AWS/SageMaker",
            metric_name=name,
            dimensions_map=self._dimensions,
            statistic=statistic,
            period=_PERIOD,
        )

    def _alarm(  # noqa: PLR0913 - CDK props
        self,
        construct_id: str,
        metric: cloudwatch.Metric,
        *,
        threshold: float,
        description: str,
        comparison: cloudwatch.ComparisonOperator = _GREATER_OR_EQUAL,
        runbook: str = "models-taken-back",
    ) -> cloudwatch.Alarm:
        return cloudwatch.Alarm(
            self,
            construct_id,
            alarm_description=with_runbook(description, runbook),
            metric=metric,
            threshold=threshold,
            evaluation_periods=ALARM_PERIODS,
            comparison_operator=comparison,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
