"""From the requests that update an endpoint to what the backend does:
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DeploymentConfig.html
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateEndpointWeightsAndCapacities.html
"""

from collections.abc import Sequence

from rehearsal.backends import Capacity, Configuration, DeploymentConfig, TrafficStep
from rehearsal.errors import validation
from rehearsal.resources.context import Record

_MOST_PERCENT = 50
_LEAST_LINEAR_PERCENT = 10
_WAIT = "WaitIntervalInSeconds"


def to_deployment(config: Record | None, configuration: Configuration) -> DeploymentConfig:
    """What an update does; all at once where there is no configuration, and for serverless
    variants, which have no guardrails:
    https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails.html

    Raises:
        ApiError: ValidationException, the configuration is none that AWS takes.
    """
    config = config or {}
    if "RollingUpdatePolicy" in config:
        raise validation(
            "The rehearsal has no RollingUpdatePolicy: use a BlueGreenUpdatePolicy with the type "
            "LINEAR."
        )
    policy = config.get("BlueGreenUpdatePolicy", {})
    steps = _steps(policy, configuration)
    timeout = policy.get("MaximumExecutionTimeoutInSeconds")
    waits = sum(step.wait_seconds for step in steps)
    if timeout is not None and timeout <= waits:
        raise validation(
            f"MaximumExecutionTimeoutInSeconds is {timeout}, and the steps alone wait for "
            f"{waits:.0f} s: make it longer."
        )
    if any(variant.serverless for variant in configuration.variants):
        return DeploymentConfig()
    alarms = config.get("AutoRollbackConfiguration", {}).get("Alarms", [])
    return DeploymentConfig(
        steps, [alarm["AlarmName"] for alarm in alarms if "AlarmName" in alarm], timeout
    )


def _steps(policy: Record, configuration: Configuration) -> list[TrafficStep]:
    routing = policy.get("TrafficRoutingConfiguration", {"Type": "ALL_AT_ONCE"})
    last = TrafficStep(1.0, policy.get("TerminationWaitInSeconds", 0))
    wait = routing.get(_WAIT, 0)
    if routing["Type"] == "CANARY":
        share = _share(routing, "CanarySize", 0, configuration)
        return [TrafficStep(share, wait, _WAIT), last]
    if routing["Type"] == "LINEAR":
        share = _share(routing, "LinearStepSize", _LEAST_LINEAR_PERCENT, configuration)
        between: list[TrafficStep] = []
        while share * (len(between) + 1) < 1 - 1e-9:
            between.append(TrafficStep(share * (len(between) + 1), wait, _WAIT))
        return [*between, last]
    return [last]


def _share(routing: Record, member: str, least: int, configuration: Configuration) -> float:
    size = routing.get(member)
    if size is None:
        raise validation(f"The type {routing['Type']} needs a {member}.")
    value = float(size["Value"])
    if size["Type"] == "INSTANCE_COUNT":
        # Of several variants the smallest has the least capacity to give.
        value = 100 * value / min(variant.instance_count for variant in configuration.variants)
    if not least <= value <= _MOST_PERCENT:
        raise validation(
            f"{member} is {value:.0f} % of the capacity of the new fleet: it must be {least} to "
            f"{_MOST_PERCENT} %."
        )
    return value / 100


def to_capacities(endpoint: Record, wanted: Sequence[Record]) -> dict[str, Capacity]:
    """What each variant shall have, by its name.

    Raises:
        ApiError: ValidationException, there is no such variant, or it can't have that.
    """
    variants = {each["VariantName"]: each for each in endpoint.get("ProductionVariants", [])}
    return {each["VariantName"]: _capacity(endpoint, variants, each) for each in wanted}


def _capacity(endpoint: Record, variants: dict[str, Record], wanted: Record) -> Capacity:
    name, count = wanted["VariantName"], wanted.get("DesiredInstanceCount")
    if name not in variants:
        raise validation(f"The endpoint {endpoint['EndpointName']} has no variant {name}.")
    if "CurrentServerlessConfig" in variants[name]:
        if count is not None or "ServerlessUpdateConfig" in wanted:
            raise validation(
                f"The variant {name} is serverless: the rehearsal changes its concurrency by a new "
                "endpoint configuration only."
            )
    elif count == 0 and not endpoint.get("AsyncInferenceConfig"):
        raise validation(
            f"The variant {name} can't have 0 instances: only that of an asynchronous endpoint can."
        )
    return Capacity(wanted.get("DesiredWeight"), count)
