"""Does what the policies of alarms in ALARM ask for."""

from __future__ import annotations

import logging
import threading
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from rehearsal import aws
from rehearsal.api.context import now
from rehearsal.api.store import Store
from rehearsal.autoscaling import capacity, resource
from rehearsal.autoscaling.api import ACTIVITY, POLICY, TARGET, target_name
from rehearsal.backends import Call
from rehearsal.errors import ApiError
from rehearsal.settings import RehearsalSettings

_log = logging.getLogger(__name__)
_EVERY_SECONDS = 1.0
_COOLDOWN_SECONDS = 300  # AWS's default of SageMaker's variants

Record = dict[str, Any]


class Scaler:
    """Looks at the alarms every second, in a thread of its own, while there are policies.

    An alarm that stays in ALARM asks again and again, as on AWS; a policy's cooldown is between.
    """

    def __init__(self, settings: RehearsalSettings, store: Store, call: Call) -> None:
        self._settings = settings
        self._store = store
        self._call = call
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name="scaler", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Ends the thread; nothing is scaled from then on."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join()

    def _work(self) -> None:
        cloudwatch = aws.client(self._settings, "cloudwatch")
        while not self._closing.wait(_EVERY_SECONDS):
            try:
                self._look(cloudwatch)
            except (ApiError, ClientError, BotoCoreError) as error:
                _log.warning("Scaling: %s", error)

    def _look(self, cloudwatch: Any) -> None:
        self._end_activities()
        policies = self._store.all(POLICY)
        if not policies:
            return
        pages = cloudwatch.get_paginator("describe_alarms").paginate(StateValue="ALARM")
        alarms = [alarm for page in pages for alarm in page["MetricAlarms"]]
        for policy in policies:
            for alarm in alarms:
                if policy.arn in alarm["AlarmActions"] and alarm["ActionsEnabled"]:
                    self._follow(policy.record, alarm, cloudwatch)

    def _follow(self, policy: Record, alarm: Record, cloudwatch: Any) -> None:
        name = resource.variant(policy)
        target = self._store.get(TARGET, target_name(policy))
        value = _value(cloudwatch, alarm)
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
        id_ = str(uuid.uuid4())
        activity: Record = {
            "ActivityId": id_,
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
        self._store.add(ACTIVITY, id_, id_, activity)

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
        wanted = capacity.tracked(have, value, tracking["TargetValue"])
        # One of its two alarms is for the way out, the other for the way in.
        outwards = alarm["ComparisonOperator"].startswith("Greater")
        return max(wanted, have) if outwards else min(wanted, have)
    above = value - alarm["Threshold"]
    return capacity.stepped(have, above, policy["StepScalingPolicyConfiguration"])


def _cooldown(policy: Record, outwards: bool) -> float:
    if tracking := policy.get("TargetTrackingScalingPolicyConfiguration"):
        which = "ScaleOutCooldown" if outwards else "ScaleInCooldown"
        return float(tracking.get(which, _COOLDOWN_SECONDS))
    return float(policy["StepScalingPolicyConfiguration"].get("Cooldown", _COOLDOWN_SECONDS))


def _value(cloudwatch: Any, alarm: Record) -> float | None:
    """The newest value of the alarm's metric, among those that it was judged by."""
    statistic = alarm.get("Statistic", "Average")
    now_ = datetime.now(UTC)
    points = cloudwatch.get_metric_statistics(
        Namespace=alarm["Namespace"],
        MetricName=alarm["MetricName"],
        Dimensions=alarm["Dimensions"],
        StartTime=now_ - timedelta(seconds=alarm["Period"] * (alarm["EvaluationPeriods"] + 1)),
        EndTime=now_ + timedelta(seconds=1),
        Period=alarm["Period"],
        Statistics=[statistic],
    )["Datapoints"]
    newest = max(points, key=lambda point: point["Timestamp"], default=None)
    return None if newest is None else newest.get(statistic)
