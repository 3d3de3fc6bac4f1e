"""Does what the policies of alarms in ALARM ask for."""

import logging
import math
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from rehearsal import aws
from rehearsal.autoscaling import resource
from rehearsal.autoscaling.api import ACTIVITY, POLICY, TARGET, target_name
from rehearsal.backends import Call
from rehearsal.errors import ApiError
from rehearsal.service_model import now
from rehearsal.settings import RehearsalSettings
from rehearsal.store import Store
from rehearsal.supervised import Failures, SupervisedThread

Record = dict[str, Any]


def tracked(current: int, value: float, target: float) -> int:
    """So many that each has at most its target:
    https://docs.aws.amazon.com/autoscaling/application/userguide/target-tracking-scaling-policy-overview.html

    Args:
        current: instances, over which `value` is the average.
    """
    return math.ceil(current * value / target)


def stepped(current: int, above: float, configuration: Record, *, downwards: bool) -> int:
    """https://docs.aws.amazon.com/autoscaling/application/userguide/step-scaling-policy-overview.html

    Args:
        above: the metric less the alarm's threshold.
        configuration: a `StepScalingPolicyConfiguration`.
        downwards: the alarm goes off below its threshold.

    Returns:
        `current` where no step fits.
    """
    for step in configuration.get("StepAdjustments") or []:
        if _fits(above, step, downwards=downwards):
            return _adjusted(current, step["ScalingAdjustment"], configuration)
    return current


def _fits(above: float, step: Record, *, downwards: bool) -> bool:
    """Above the threshold the lower bound belongs to a step and the upper does not, below it the
    upper and not the lower; on the threshold itself the alarm's own side decides.
    """
    low = step.get("MetricIntervalLowerBound", -math.inf)
    high = step.get("MetricIntervalUpperBound", math.inf)
    below = above < 0 or (above == 0 and downwards)
    return bool(low < above <= high if below else low <= above < high)


def _adjusted(current: int, adjustment: int, configuration: Record) -> int:
    match configuration.get("AdjustmentType"):
        case "ExactCapacity":
            return adjustment
        case "PercentChangeInCapacity":
            if not adjustment:
                return current
            change = current * adjustment / 100
            least = configuration.get("MinAdjustmentMagnitude", 0)
            # Rounded towards zero, but a change is at least one instance.
            size = max(int(abs(change)) or 1, least)
            return current + int(math.copysign(size, adjustment))
        case _:
            return current + adjustment


_log = logging.getLogger(__name__)
_EVERY_SECONDS = 1.0
_COOLDOWN_SECONDS = 300  # AWS's default of SageMaker's variants


NewestValue = Callable[[RehearsalSettings, str], float | None]
"""The newest of the values that an alarm, by its name, is judged by now; None where it has none."""


class Scaler:
    """Looks at the alarms every second, in a thread of its own, while there are policies.

    An alarm that stays in ALARM asks again and again, as on AWS; a policy's cooldown is between.
    """

    def __init__(
        self, settings: RehearsalSettings, store: Store, call: Call, newest_value: NewestValue
    ) -> None:
        self._settings = settings
        self._store = store
        self._call = call
        self._newest_value = newest_value
        self._failures = Failures("scaler")
        self._thread = SupervisedThread("scaler", self._look, _EVERY_SECONDS)

    def start(self) -> None:
        """Begins to look at the alarms."""
        self._thread.start()

    def close(self) -> None:
        """Ends the thread; nothing is scaled from then on."""
        self._thread.close()

    def _look(self) -> None:
        self._end_activities()
        policies = self._store.all(POLICY)
        if not policies:
            return
        for alarm in self._alarms():
            for policy in policies:
                if policy.arn in alarm["AlarmActions"] and alarm["ActionsEnabled"]:
                    with self._failures.watched(alarm["AlarmName"]):
                        self._follow(policy.record, alarm)

    def _alarms(self) -> list[Record]:
        paginator = aws.client(self._settings, "cloudwatch").get_paginator("describe_alarms")
        return [
            alarm
            for page in paginator.paginate(StateValue="ALARM")
            for alarm in page["MetricAlarms"]
        ]

    def _follow(self, policy: Record, alarm: Record) -> None:
        name = resource.variant(policy)
        target = self._store.get(TARGET, target_name(policy))
        value = self._newest_value(self._settings, alarm["AlarmName"])
        if target is None or value is None:
            return
        have = resource.capacity(self._call, name)
        wanted = _wanted(policy, alarm, value, have.desired)
        wanted = min(max(wanted, target.record["MinCapacity"]), target.record["MaxCapacity"])
        outwards = wanted > have.desired
        if (
            wanted == have.desired
            or have.status != "InService"
            or self._is_suspended(target.record, outwards)
            or self._is_cooling_down(policy, outwards)
        ):
            return
        self._scale(policy, alarm["AlarmName"], have.desired, wanted)

    @staticmethod
    def _is_suspended(target: Record, outwards: bool) -> bool:
        which = "DynamicScalingOutSuspended" if outwards else "DynamicScalingInSuspended"
        return bool(target.get("SuspendedState", {}).get(which))

    def _is_cooling_down(self, policy: Record, outwards: bool) -> bool:
        last = [
            activity.record
            for activity in self._store.all(ACTIVITY)
            if activity.record["_policy"] == policy["PolicyARN"]
            and activity.record["StatusCode"] != "Failed"
        ]
        if not last:
            return False
        waits = _cooldown(policy, outwards)
        return bool(now() < last[-1]["StartTime"] + timedelta(seconds=waits))

    def _scale(self, policy: Record, alarm: str, have: int, wanted: int) -> None:
        activity_id = str(uuid.uuid4())
        activity: Record = {
            "ActivityId": activity_id,
            **{k: policy[k] for k in ("ServiceNamespace", "ResourceId", "ScalableDimension")},
            "Description": f"Setting desired instance count to {wanted}.",
            "Cause": (
                f"monitor alarm {alarm} in state ALARM triggered policy {policy['PolicyName']}"
            ),
            "StartTime": now(),
            "StatusCode": "InProgress",
            "_policy": policy["PolicyARN"],
            "_wanted": wanted,
        }
        try:
            resource.set_capacity(self._call, resource.variant(policy), wanted)
        except ApiError as error:
            activity |= {"StatusCode": "Failed", "StatusMessage": error.message, "EndTime": now()}
        _log.info("%s: %d to %d instances, by %s", policy["ResourceId"], have, wanted, alarm)
        self._store.add(ACTIVITY, activity_id, activity_id, activity)

    def _end_activities(self) -> None:
        """Those whose endpoint has come to rest."""
        for found in self._store.all(ACTIVITY):
            if found.record["StatusCode"] != "InProgress":
                continue
            self._store.change(ACTIVITY, found.name, self._end)

    def _end(self, activity: Record) -> Record:
        try:
            have = resource.capacity(self._call, resource.variant(activity))
        except ApiError as error:
            return {"StatusCode": "Failed", "StatusMessage": error.message, "EndTime": now()}
        if have.status != "InService":
            return {}
        if have.current == activity["_wanted"]:
            message = f"Successfully set desired instance count to {have.current}."
            return {"StatusCode": "Successful", "StatusMessage": message, "EndTime": now()}
        message = f"The endpoint came to rest with {have.current} instances."
        return {"StatusCode": "Failed", "StatusMessage": message, "EndTime": now()}


def _wanted(policy: Record, alarm: Record, value: float, have: int) -> int:
    if tracking := policy.get("TargetTrackingScalingPolicyConfiguration"):
        wanted = tracked(have, value, tracking["TargetValue"])
        # One of its two alarms is for the way out, the other for the way in.
        outwards = alarm["ComparisonOperator"].startswith("Greater")
        return max(wanted, have) if outwards else min(wanted, have)
    above = value - alarm["Threshold"]
    downwards = alarm["ComparisonOperator"].startswith("Less")
    steps = policy["StepScalingPolicyConfiguration"]
    return stepped(have, above, steps, downwards=downwards)


def _cooldown(policy: Record, outwards: bool) -> float:
    if tracking := policy.get("TargetTrackingScalingPolicyConfiguration"):
        which = "ScaleOutCooldown" if outwards else "ScaleInCooldown"
        return float(tracking.get(which, _COOLDOWN_SECONDS))
    return float(policy["StepScalingPolicyConfiguration"].get("Cooldown", _COOLDOWN_SECONDS))
