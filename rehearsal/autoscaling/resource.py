"""What is scaled, the instances of a variant, and the alarms of target tracking policies.

https://docs.aws.amazon.com/autoscaling/application/userguide/target-tracking-scaling-policy-overview.html
"""

import re
import uuid
from dataclasses import dataclass
from typing import Any

from rehearsal import aws
from rehearsal.backends import Call
from rehearsal.errors import ApiError
from rehearsal.settings import RehearsalSettings

DIMENSION = "sagemaker:variant:DesiredInstanceCount"
_RESOURCE = re.compile(r"endpoint/([^/]+)/variant/([^/]+)")


@dataclass(frozen=True)
class VariantName:
    """A variant of an endpoint."""

    endpoint: str
    variant: str


@dataclass(frozen=True)
class Capacity:
    """The instances of a variant: wanted, there, and whether they change.

    Attributes:
        status: of the endpoint, e.g. `InService`.
    """

    desired: int
    current: int
    status: str


def variant(request: dict[str, Any]) -> VariantName:
    """The variant that a request or record of Application Auto Scaling names.

    Raises:
        ApiError: it names something else.
    """
    match = _RESOURCE.fullmatch(request["ResourceId"])
    if match is None or request["ScalableDimension"] != DIMENSION:
        raise ApiError(
            "ValidationException",
            f"The rehearsal scales {DIMENSION} of endpoint/<name>/variant/<name>, and not "
            f"{request['ScalableDimension']} of {request['ResourceId']}.",
        )
    return VariantName(match[1], match[2])


def capacity(call: Call, name: VariantName) -> Capacity:
    """The instances of a variant, as DescribeEndpoint shows them.

    Raises:
        ApiError: the endpoint or variant is not there.
    """
    endpoint = call("DescribeEndpoint", {"EndpointName": name.endpoint})
    for found in endpoint.get("ProductionVariants") or []:
        if found["VariantName"] == name.variant:
            return Capacity(
                desired=found["DesiredInstanceCount"],
                current=found["CurrentInstanceCount"],
                status=endpoint["EndpointStatus"],
            )
    raise ApiError(
        "ValidationException",
        f"The endpoint {name.endpoint} has no variant {name.variant} in service: name one that "
        "it has.",
    )


def set_capacity(call: Call, name: VariantName, instances: int) -> None:
    """Changes a variant's instances, by UpdateEndpointWeightsAndCapacities.

    Raises:
        ApiError: SageMaker refuses, e.g. while the endpoint is updated.
    """
    wanted = {"VariantName": name.variant, "DesiredInstanceCount": instances}
    call(
        "UpdateEndpointWeightsAndCapacities",
        {"EndpointName": name.endpoint, "DesiredWeightsAndCapacities": [wanted]},
    )


_INVOCATIONS = "SageMakerVariantInvocationsPerInstance"
# As AWS makes them: out after 3 minutes above the target, in after 15 minutes well below it.
_OUT_MINUTES, _IN_MINUTES = 3, 15
_LOW_SHARE = 0.9
_PERIOD_SECONDS = 60

Record = dict[str, Any]


def put_alarms(settings: RehearsalSettings, policy: Record) -> list[Record]:
    """Makes or changes the alarms of a policy of target tracking, as root: AWS's own service does.

    Raises:
        ApiError: the rehearsal does not know its metric.
    """
    configuration = policy["TargetTrackingScalingPolicyConfiguration"]
    metric = _metric(policy, configuration)
    delete_alarms(settings, policy["Alarms"])
    target = float(configuration["TargetValue"])
    wanted = {"High": ("GreaterThanThreshold", target, _OUT_MINUTES)}
    if not configuration.get("DisableScaleIn"):
        wanted["Low"] = ("LessThanThreshold", target * _LOW_SHARE, _IN_MINUTES)
    alarms = []
    for side, (comparison, threshold, minutes) in wanted.items():
        name = f"TargetTracking-{policy['ResourceId']}-Alarm{side}-{uuid.uuid4()}"
        aws.client(settings, "cloudwatch").put_metric_alarm(
            AlarmName=name,
            AlarmDescription=(
                f"DO NOT EDIT OR DELETE. For TargetTrackingScaling policy {policy['PolicyARN']}."
            ),
            AlarmActions=[policy["PolicyARN"]],
            ComparisonOperator=comparison,
            Threshold=threshold,
            Period=_PERIOD_SECONDS,
            EvaluationPeriods=minutes,
            **metric,
        )
        arn = aws.arn(settings, "cloudwatch", f"alarm:{name}")
        alarms.append({"AlarmName": name, "AlarmARN": arn})
    return alarms


def delete_alarms(settings: RehearsalSettings, alarms: list[Record]) -> None:
    """Deletes a policy's alarms."""
    if alarms:
        names = [alarm["AlarmName"] for alarm in alarms]
        aws.client(settings, "cloudwatch").delete_alarms(AlarmNames=names)


def _metric(policy: Record, configuration: Record) -> Record:
    """The metric's parameters of PutMetricAlarm."""
    predefined = configuration.get("PredefinedMetricSpecification")
    customized = configuration.get("CustomizedMetricSpecification")
    if predefined and predefined["PredefinedMetricType"] == _INVOCATIONS:
        name = variant(policy)
        return {
            "Namespace": "AWS/SageMaker",
            "MetricName": "InvocationsPerInstance",
            "Statistic": "Sum",
            "Dimensions": [
                {"Name": "EndpointName", "Value": name.endpoint},
                {"Name": "VariantName", "Value": name.variant},
            ],
        }
    if customized and customized.get("MetricName"):
        keys = ("Namespace", "MetricName", "Statistic", "Dimensions", "Unit")
        return {key: customized[key] for key in keys if key in customized}
    raise ApiError(
        "ValidationException",
        f"The policy {policy['PolicyName']} tracks a metric that the rehearsal does not know: "
        f"take {_INVOCATIONS} or one customized metric.",
    )
