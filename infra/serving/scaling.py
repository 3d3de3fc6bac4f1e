"""More instances for more requests, and fewer for fewer."""

from aws_cdk import aws_applicationautoscaling as autoscaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from infra.names import VARIANT, with_runbook
from infra.settings import Endpoint

# New instances take minutes to serve, and are billed from the start: ask for more at once, give
# back late.
_SCALE_OUT_SECONDS = 60
_SCALE_IN_SECONDS = 300

_Policy = autoscaling.CfnScalingPolicy


class Scaling(Construct):
    """Keeps invocations, or what waits for an asynchronous endpoint, per instance to a target.

    Application Auto Scaling works with the account's service-linked role
    `AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint`, which AWS makes the first time. It
    adds and removes alarms of its own. It rests while the endpoint is updated, and AWS refuses an
    update that changes the instance type: turn scaling off before.
    https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Endpoint,
        endpoint: sagemaker.CfnEndpoint,
    ) -> None:
        super().__init__(scope, construct_id)
        self._endpoint_name = endpoint.attr_endpoint_name
        assert settings.maximum_instances is not None  # noqa: S101 - settings see to it
        self._target = autoscaling.CfnScalableTarget(
            self,
            "Instances",
            service_namespace="sagemaker",
            scalable_dimension="sagemaker:variant:DesiredInstanceCount",
            resource_id=f"endpoint/{self._endpoint_name}/variant/{VARIANT}",
            min_capacity=settings.minimum_instances,
            max_capacity=settings.maximum_instances,
        )
        if settings.mode == "asynchronous":
            self._keep("Backlog", settings.backlog_per_instance, customized=self._backlog())
            if settings.minimum_instances == 0:
                self._start_the_first()
        else:
            self._keep(
                "Invocations",
                settings.invocations_per_instance,
                predefined=_Policy.PredefinedMetricSpecificationProperty(
                    predefined_metric_type="SageMakerVariantInvocationsPerInstance"
                ),
            )

    def _keep(
        self,
        name: str,
        target: int,
        *,
        predefined: autoscaling.CfnScalingPolicy.PredefinedMetricSpecificationProperty
        | None = None,
        customized: autoscaling.CfnScalingPolicy.CustomizedMetricSpecificationProperty
        | None = None,
    ) -> None:
        autoscaling.CfnScalingPolicy(
            self,
            name,
            policy_name=name,
            policy_type="TargetTrackingScaling",
            scaling_target_id=self._target.ref,
            target_tracking_scaling_policy_configuration=_Policy.TargetTrackingScalingPolicyConfigurationProperty(
                target_value=target,
                predefined_metric_specification=predefined,
                customized_metric_specification=customized,
                scale_out_cooldown=_SCALE_OUT_SECONDS,
                scale_in_cooldown=_SCALE_IN_SECONDS,
            ),
        )

    def _backlog(self) -> autoscaling.CfnScalingPolicy.CustomizedMetricSpecificationProperty:
        return _Policy.CustomizedMetricSpecificationProperty(
            namespace="AWS/SageMaker",
            metric_name="ApproximateBacklogSizePerInstance",
            dimensions=[
                _Policy.MetricDimensionProperty(name="EndpointName", value=self._endpoint_name)
            ],
            statistic="Average",
        )

    def _start_the_first(self) -> None:
        """Without an instance there is no backlog per instance, so that a request starts one.

        https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-autoscale.html
        """
        first = autoscaling.CfnScalingPolicy(
            self,
            "First",
            policy_name="First",
            policy_type="StepScaling",
            scaling_target_id=self._target.ref,
            step_scaling_policy_configuration=_Policy.StepScalingPolicyConfigurationProperty(
                adjustment_type="ChangeInCapacity",
                metric_aggregation_type="Average",
                cooldown=_SCALE_IN_SECONDS,
                step_adjustments=[
                    _Policy.StepAdjustmentProperty(
                        metric_interval_lower_bound=0, scaling_adjustment=1
                    )
                ],
            ),
        )
        self._alarm_of_the_first(first.ref)

    def _alarm_of_the_first(self, action: str) -> None:
        cloudwatch.CfnAlarm(
            self,
            "WaitsForTheFirst",
            alarm_description=with_runbook(
                "Requests wait and there is no instance; one is started, and billed",
                "waits-for-the-first",
            ),
            namespace="AWS/SageMaker",
            metric_name="HasBacklogWithoutCapacity",
            dimensions=[
                cloudwatch.CfnAlarm.DimensionProperty(
                    name="EndpointName", value=self._endpoint_name
                )
            ],
            statistic="Average",
            period=60,
            evaluation_periods=2,
            threshold=1,
            comparison_operator="GreaterThanOrEqualToThreshold",
            treat_missing_data="missing",
            alarm_actions=[action],
        )
