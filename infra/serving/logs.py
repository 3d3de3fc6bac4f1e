"""The endpoint's log group, and the metrics that are read from it."""

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra import grants
from infra.data.key import grant_encrypt_logs
from infra.retention import log_retention, removal_policy
from infra.settings import Settings
from infra.settings.endpoint import ALARM_PERIOD_SECONDS

MEAN_CONFIDENCE = "MeanConfidence"
OVERLOADS = "Overloads"
PACKAGE_DIMENSION = "ModelPackageArn"


def metric_namespace(settings: Settings) -> str:
    """Namespace of the metrics that are read from the endpoint's logs."""
    return f"Shardwise/{settings.stage}"


class EndpointLogs(Construct):
    """SageMaker's own log group of the endpoint, made first so that it has a retention and, by
    setting, a key.

    SageMaker writes into a group that is there, and makes one that is kept for ever where there is
    none. CloudFormation makes none over another: one that is there already must be imported where
    it outlives its stack (`cdk deploy --import-existing-resources`), and deleted elsewhere.

    The containers have no network, so that the confidence of their answers comes by their logs, as
    a metric with one dimension, the model package: what a new model answers is seen by itself. A
    package is one custom metric, billed by the month that it serves in; so are requests that were
    refused because too many waited, in a month that has any.
    """

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings) -> None:
        super().__init__(scope, construct_id)
        self._name = f"/aws/sagemaker/Endpoints/{settings.name}"
        self._namespace = metric_namespace(settings)
        self._removal_policy = removal_policy(settings)
        self.log_group = logs.LogGroup(
            self,
            "Group",
            log_group_name=self._name,
            retention=log_retention(settings),
            encryption_key=self._key() if settings.endpoint.encrypt_logs else None,
            removal_policy=self._removal_policy,
        )
        logs.MetricFilter(
            self,
            MEAN_CONFIDENCE,
            log_group=self.log_group,
            filter_pattern=logs.FilterPattern.literal('{ $.message = "metrics" }'),
            metric_namespace=self._namespace,
            metric_name=MEAN_CONFIDENCE,
            metric_value="$.mean_confidence",
            dimensions={PACKAGE_DIMENSION: "$.model_package_arn"},
        )
        # No metric of SageMaker's tells overload from a client's bad file: both are 4xx.
        logs.MetricFilter(
            self,
            OVERLOADS,
            log_group=self.log_group,
            filter_pattern=logs.FilterPattern.literal("{ $.status = 429 }"),
            metric_namespace=self._namespace,
            metric_name=OVERLOADS,
            metric_value="1",
        )

    def mean_confidence(self, model_package: str) -> cloudwatch.Metric:
        """The largest probabilities that `model_package` answers, on average over a minute."""
        return cloudwatch.Metric(
            namespace=self._namespace,
            metric_name=MEAN_CONFIDENCE,
            dimensions_map={PACKAGE_DIMENSION: model_package},
            statistic=cloudwatch.Stats.AVERAGE,
            period=cdk.Duration.seconds(ALARM_PERIOD_SECONDS),
        )

    @staticmethod
    def overloads(settings: Settings) -> cloudwatch.Metric:
        """Requests that the endpoint refused because too many waited."""
        return cloudwatch.Metric(
            namespace=metric_namespace(settings),
            metric_name=OVERLOADS,
            statistic=cloudwatch.Stats.SUM,
            period=cdk.Duration.minutes(5),
        )

    def _key(self) -> kms.Key:
        key = kms.Key(
            self,
            "Key",
            description="Encrypts the logs of the endpoint",
            enable_key_rotation=True,
            removal_policy=self._removal_policy,
        )
        grant_encrypt_logs(key, "ArnEquals", [grants.log_group_arn(self, self._name)])
        return key
