"""Application Auto Scaling's API, of SageMaker's variants.

https://docs.aws.amazon.com/autoscaling/application/APIReference/Welcome.html
"""

import uuid
from typing import Any

from rehearsal import aws, service_model
from rehearsal.autoscaling import resource
from rehearsal.autoscaling.resource import delete_alarms, put_alarms
from rehearsal.backends import Call
from rehearsal.errors import ApiError, NotFound, validation
from rehearsal.service_model import now
from rehearsal.settings import RehearsalSettings
from rehearsal.store import Resource, Store

SERVICE = "application-autoscaling"
TARGET, POLICY, ACTIVITY = "scalable-target", "scaling-policy", "scaling-activity"
_POLICY_TYPES = ("TargetTrackingScaling", "StepScaling")
_STEP_SCALING = "StepScaling"  # what PutScalingPolicy takes where no type is given
_SEPARATOR = "|"

Record = dict[str, Any]


class ApplicationAutoScaling:
    """Application Auto Scaling, of the instances of SageMaker's variants."""

    def __init__(self, settings: RehearsalSettings, store: Store, call: Call) -> None:
        self._settings = settings
        self._store = store
        self._call_sagemaker = call

    def call(self, name: str, request: Record) -> Record:
        """`rehearsal.backends.Call`, of this service's operations."""
        if name not in _OPERATIONS:
            raise ApiError("UnknownOperationException", f"The rehearsal's scaling has no {name}.")
        model = service_model.operation(name, SERVICE)
        service_model.check_request(model.input_shape, request)
        response: Record = _OPERATIONS[name](self, request)
        service_model.check_response(model.output_shape, response)
        return response

    def _register(self, request: Record) -> Record:
        variant = resource.variant(request)
        name = target_name(request)
        before = self._store.get(TARGET, name)
        given = {key: value for key, value in request.items() if key not in ("Tags", "RoleARN")}
        record = (before.record if before else self._new_target()) | given
        if "MinCapacity" not in record or "MaxCapacity" not in record:
            raise validation(
                f"The scalable target {name} is new: give MinCapacity and MaxCapacity."
            )
        if record["MinCapacity"] > record["MaxCapacity"]:
            raise validation(
                f"The scalable target {name} has a MinCapacity of {record['MinCapacity']}, which "
                f"is above its MaxCapacity of {record['MaxCapacity']}."
            )
        resource.capacity(self._call_sagemaker, variant)  # It must be there.
        arn = record["ScalableTargetARN"]
        self._store.put(TARGET, name, arn, record)
        self._store.set_tags(arn, request.get("Tags") or {})
        return {"ScalableTargetARN": arn}

    def _new_target(self) -> Record:
        arn = aws.arn(self._settings, SERVICE, f"scalable-target/{uuid.uuid4().hex[:16]}")
        role = (
            f"arn:aws:iam::{self._settings.account}:role/aws-service-role/"
            "sagemaker.application-autoscaling.amazonaws.com/"
            "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
        )
        return {"RoleARN": role, "CreationTime": now(), "ScalableTargetARN": arn}

    def _deregister(self, request: Record) -> Record:
        found = self._target(request)
        for policy in self._store.all(POLICY, found.name):
            self._remove(policy)
        self._store.delete(TARGET, found.name)
        return {}

    def _describe_targets(self, request: Record) -> Record:
        return {"ScalableTargets": self._find(TARGET, request, ResourceId="ResourceIds")}

    def _put_policy(self, request: Record) -> Record:
        target = self._target(request)
        kind = request.get("PolicyType", _STEP_SCALING)
        if kind not in _POLICY_TYPES or f"{kind}PolicyConfiguration" not in request:
            raise validation(
                f"The policy {request['PolicyName']} is of the type {kind}: the rehearsal takes "
                f"{' and '.join(_POLICY_TYPES)}, with the configuration of that name."
            )
        name = f"{target.name}{_SEPARATOR}{request['PolicyName']}"
        before = self._store.get(POLICY, name)
        record = (before.record if before else self._new_policy(request)) | request
        record["PolicyType"] = kind
        if kind != _STEP_SCALING:
            record["Alarms"] = put_alarms(self._settings, record)
        self._store.put(POLICY, name, record["PolicyARN"], record, parent=target.name)
        return {"PolicyARN": record["PolicyARN"], "Alarms": record["Alarms"]}

    def _new_policy(self, request: Record) -> Record:
        arn = aws.arn(
            self._settings,
            "autoscaling",
            f"scalingPolicy:{uuid.uuid4()}:resource/{request['ServiceNamespace']}/"
            f"{request['ResourceId']}:policyName/{request['PolicyName']}",
        )
        return {"PolicyARN": arn, "CreationTime": now(), "Alarms": []}

    def _delete_policy(self, request: Record) -> Record:
        name = f"{target_name(request)}{_SEPARATOR}{request['PolicyName']}"
        found = self._store.get(POLICY, name)
        if found is None:
            raise _missing(f"No scaling policy {request['PolicyName']} of {target_name(request)}.")
        self._remove(found)
        return {}

    def _remove(self, policy: Resource) -> None:
        delete_alarms(self._settings, policy.record["Alarms"])
        self._store.delete(POLICY, policy.name)

    def _describe_policies(self, request: Record) -> Record:
        return {"ScalingPolicies": self._find(POLICY, request, PolicyName="PolicyNames")}

    def _describe_activities(self, request: Record) -> Record:
        return {"ScalingActivities": self._find(ACTIVITY, request)[::-1]}

    def _find(self, kind: str, request: Record, **lists: str) -> list[Record]:
        """The public members of the records that a request asks for.

        Args:
            lists: for members of the records, those of the request that list values for them.
        """
        keys = ("ServiceNamespace", "ResourceId", "ScalableDimension")
        wanted = {key: [request[key]] for key in keys if request.get(key)}
        wanted |= {key: request[each] for key, each in lists.items() if request.get(each)}
        return [
            {key: value for key, value in found.record.items() if not key.startswith("_")}
            for found in self._store.all(kind)
            if all(found.record.get(key) in values for key, values in wanted.items())
        ]

    def _target(self, request: Record) -> Resource:
        found = self._store.get(TARGET, target_name(request))
        if found is None:
            raise _missing(f"No scalable target registered for {target_name(request)}.")
        return found


def target_name(request: Record) -> str:
    """A target's name in the store, and in a stack."""
    keys = ("ResourceId", "ScalableDimension", "ServiceNamespace")
    return _SEPARATOR.join(str(request[key]) for key in keys)


def _missing(message: str) -> NotFound:
    return NotFound("ObjectNotFoundException", message)


_OPERATIONS = {
    "RegisterScalableTarget": ApplicationAutoScaling._register,
    "DeregisterScalableTarget": ApplicationAutoScaling._deregister,
    "DescribeScalableTargets": ApplicationAutoScaling._describe_targets,
    "PutScalingPolicy": ApplicationAutoScaling._put_policy,
    "DeleteScalingPolicy": ApplicationAutoScaling._delete_policy,
    "DescribeScalingPolicies": ApplicationAutoScaling._describe_policies,
    "DescribeScalingActivities": ApplicationAutoScaling._describe_activities,
}
