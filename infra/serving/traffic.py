"""How traffic moves from the old instances to the new ones, and what takes it back."""

from collections.abc import Sequence

from aws_cdk import aws_sagemaker as sagemaker

from infra.settings import Endpoint

_Endpoint = sagemaker.CfnEndpoint


def deployment(
    settings: Endpoint, rollback_alarms: Sequence[str]
) -> sagemaker.CfnEndpoint.DeploymentConfigProperty | None:
    """A blue/green update that an alarm takes back, or None for a serverless endpoint, which moves
    all at once and back only if the new model doesn't come up.

    https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails.html
    """
    if settings.mode == "serverless":
        return None
    return _Endpoint.DeploymentConfigProperty(
        auto_rollback_configuration=_Endpoint.AutoRollbackConfigProperty(
            alarms=[_Endpoint.AlarmProperty(alarm_name=alarm) for alarm in rollback_alarms]
        ),
        blue_green_update_policy=_Endpoint.BlueGreenUpdatePolicyProperty(
            traffic_routing_configuration=_routing(settings),
            termination_wait_in_seconds=settings.shift_wait_seconds,
            maximum_execution_timeout_in_seconds=settings.longest_update_seconds,
        ),
    )


def _routing(settings: Endpoint) -> sagemaker.CfnEndpoint.TrafficRoutingConfigProperty:
    shift = settings.traffic_shift
    step = _Endpoint.CapacitySizeProperty(type="CAPACITY_PERCENT", value=settings.shift_percent)
    return _Endpoint.TrafficRoutingConfigProperty(
        type=shift.upper(),
        wait_interval_in_seconds=settings.shift_wait_seconds,
        canary_size=step if shift == "canary" else None,
        linear_step_size=step if shift == "linear" else None,
    )
