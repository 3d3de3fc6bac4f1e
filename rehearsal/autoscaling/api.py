"""Application Auto Scaling's API, of SageMaker's variants, and its JSON 1.1 protocol.

https://docs.aws.amazon.com/autoscaling/application/APIReference/Welcome.html
"""

import json
import logging
import uuid
from collections.abc import Mapping
from typing import Any

from botocore.model import OperationModel

from rehearsal import aws, service_model
from rehearsal.api.http import Response, error_answer, json_answer
from rehearsal.autoscaling import resource
from rehearsal.autoscaling.resource import TargetTrackingAlarms
from rehearsal.backends import Call
from rehearsal.errors import ApiError, NotFound
from rehearsal.service_model import now
from rehearsal.settings import RehearsalSettings
from rehearsal.store import Resource, Store

TARGET, POLICY, ACTIVITY = "scalable-target", "scaling-policy", "scaling-activity"
_POLICY_TYPES = ("TargetTrackingScaling", "StepScaling")
_STEP_SCALING = "StepScaling"  # what PutScalingPolicy takes where no type is given
_SEPARATOR = "|"

Record = dict[str, Any]


def operation(name: str) -> OperationModel:
    """The model of an operation that the rehearsal has.

    Raises:
        ApiError: the rehearsal has no such operation.
    """
    if name not in _OPERATIONS:
        raise ApiError("UnknownOperationException", f"The rehearsal's scaling has no {name}.")
    return service_model.operation(name, "application-autoscaling")


class ApplicationAutoScaling:
    """Application Auto Scaling, of the instances of SageMaker's variants.

    Attributes:
        call: of SageMaker's API.
    """

    def __init__(self, settings: RehearsalSettings, store: Store, call: Call) -> None:
        self._settings = settings
        self._store = store
        self._call_sagemaker = call
        self._alarms = TargetTrackingAlarms(settings)

    def call(self, name: str, request: Record) -> Record:
        """`rehearsal.backends.Call`, of this service's operations."""
        model = operation(name)
        service_model.check(model.input_shape, request)
        response: Record = _OPERATIONS[name](self, request)
        service_model.check_answer(model.output_shape, response)
        return response

    def register(self, request: Record) -> Record:
        """RegisterScalableTarget."""
        variant = resource.variant(request)
        name = target_name(request)
        before = self._store.get(TARGET, name)
        record = (before.record if before else {}) | _given(request, without=("Tags", "RoleARN"))
        if "MinCapacity" not in record or "MaxCapacity" not in record:
            raise _refused(f"The scalable target {name} is new: give MinCapacity and MaxCapacity.")
        if record["MinCapacity"] > record["MaxCapacity"]:
            raise _refused(
                f"The scalable target {name} has a MinCapacity of {record['MinCapacity']}, which "
                f"is above its MaxCapacity of {record['MaxCapacity']}."
            )
        resource.capacity(self._call_sagemaker, variant)  # It must be there.
        if before is None:
            self._add_target(name, record)
        else:
            self._store.change(TARGET, name, lambda _: record)
        found = self._target(request)
        self._store.set_tags(found.arn, request.get("Tags") or {})
        return {"ScalableTargetARN": found.arn}

    def _add_target(self, name: str, record: Record) -> None:
        arn = aws.arn(
            self._settings, "application-autoscaling", f"scalable-target/{uuid.uuid4().hex[:16]}"
        )
        role = (
            f"arn:aws:iam::{self._settings.account}:role/aws-service-role/"
            "sagemaker.application-autoscaling.amazonaws.com/"
            "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
        )
        new = record | {"RoleARN": role, "CreationTime": now(), "ScalableTargetARN": arn}
        self._store.add(TARGET, name, arn, new)

    def deregister(self, request: Record) -> Record:
        """DeregisterScalableTarget, with its policies."""
        found = self._target(request)
        for policy in self._store.all(POLICY, found.name):
            self._delete_policy(policy)
        self._store.delete(TARGET, found.name)
        return {}

    def describe_targets(self, request: Record) -> Record:
        """DescribeScalableTargets."""
        ids = request.get("ResourceIds")
        found = [
            target.record
            for target in self._store.all(TARGET)
            if (not ids or target.record["ResourceId"] in ids) and _asked_for(target, request)
        ]
        return {"ScalableTargets": found}

    def put_policy(self, request: Record) -> Record:
        """PutScalingPolicy, with the alarms of target tracking."""
        target = self._target(request)
        kind = request.get("PolicyType", _STEP_SCALING)
        if kind not in _POLICY_TYPES or f"{kind}PolicyConfiguration" not in request:
            raise _refused(
                f"The policy {request['PolicyName']} is of the type {kind}: the rehearsal takes "
                f"{' and '.join(_POLICY_TYPES)}, with the configuration of that name."
            )
        name = f"{target.name}{_SEPARATOR}{request['PolicyName']}"
        before = self._store.get(POLICY, name)
        arn = before.arn if before else self._policy_arn(request)
        record = _given(request) | {
            "PolicyType": kind,
            "PolicyARN": arn,
            "CreationTime": before.record["CreationTime"] if before else now(),
            "Alarms": before.record["Alarms"] if before else [],
        }
        if kind != _STEP_SCALING:
            record["Alarms"] = self._alarms.put(record)
        if before is None:
            self._store.add(POLICY, name, arn, record, parent=target.name)
        else:
            self._store.change(POLICY, name, lambda _: record)
        return {"PolicyARN": arn, "Alarms": record["Alarms"]}

    def _policy_arn(self, request: Record) -> str:
        return aws.arn(
            self._settings,
            "autoscaling",
            f"scalingPolicy:{uuid.uuid4()}:resource/{request['ServiceNamespace']}/"
            f"{request['ResourceId']}:policyName/{request['PolicyName']}",
        )

    def delete_policy(self, request: Record) -> Record:
        """DeleteScalingPolicy, with its alarms."""
        name = f"{target_name(request)}{_SEPARATOR}{request['PolicyName']}"
        found = self._store.get(POLICY, name)
        if found is None:
            raise _missing(f"No scaling policy {request['PolicyName']} of {target_name(request)}.")
        self._delete_policy(found)
        return {}

    def _delete_policy(self, policy: Resource) -> None:
        self._alarms.delete(policy.record["Alarms"])
        self._store.delete(POLICY, policy.name)

    def describe_policies(self, request: Record) -> Record:
        """DescribeScalingPolicies."""
        names = request.get("PolicyNames")
        found = [
            policy.record
            for policy in self._store.all(POLICY)
            if (not names or policy.record["PolicyName"] in names) and _asked_for(policy, request)
        ]
        return {"ScalingPolicies": found}

    def describe_activities(self, request: Record) -> Record:
        """The latest first."""
        found = [
            {key: value for key, value in activity.record.items() if not key.startswith("_")}
            for activity in self._store.all(ACTIVITY)
            if _asked_for(activity, request)
        ]
        return {"ScalingActivities": found[::-1]}

    def _target(self, request: Record) -> Resource:
        found = self._store.get(TARGET, target_name(request))
        if found is None:
            raise _missing(f"No scalable target registered for {target_name(request)}.")
        return found


def target_name(request: Record) -> str:
    """A target's name in the store, and in a stack."""
    keys = ("ResourceId", "ScalableDimension", "ServiceNamespace")
    return _SEPARATOR.join(str(request[key]) for key in keys)


def _asked_for(found: Resource, request: Record) -> bool:
    keys = ("ServiceNamespace", "ResourceId", "ScalableDimension")
    return all(found.record.get(key) == request[key] for key in keys if request.get(key))


def _given(request: Record, without: tuple[str, ...] = ()) -> Record:
    return {key: value for key, value in request.items() if key not in without}


def _refused(message: str) -> ApiError:
    return ApiError("ValidationException", message)


def _missing(message: str) -> NotFound:
    return NotFound("ObjectNotFoundException", message)


_OPERATIONS = {
    "RegisterScalableTarget": ApplicationAutoScaling.register,
    "DeregisterScalableTarget": ApplicationAutoScaling.deregister,
    "DescribeScalableTargets": ApplicationAutoScaling.describe_targets,
    "PutScalingPolicy": ApplicationAutoScaling.put_policy,
    "DeleteScalingPolicy": ApplicationAutoScaling.delete_policy,
    "DescribeScalingPolicies": ApplicationAutoScaling.describe_policies,
    "DescribeScalingActivities": ApplicationAutoScaling.describe_activities,
}


_log = logging.getLogger(__name__)


class ScalingHttp:
    """Answers the HTTP requests of `application-autoscaling` clients."""

    def __init__(self, api: ApplicationAutoScaling) -> None:
        self._api = api

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Response:
        """Never raises; may block.

        Args:
            headers: names in lower case.
        """
        name = headers.get("x-amz-target", "").rpartition(".")[2]
        try:
            request = service_model.from_wire(
                operation(name).input_shape, json.loads(body or b"{}")
            )
            return json_answer(200, service_model.to_wire(self._api.call(name, request)))
        except ApiError as error:
            return error_answer(error)
        except Exception as error:  # noqa: BLE001 - the client must hear of our own faults too
            _log.exception("%s %s %s failed", method, path, name)
            failed = ApiError("InternalServiceException", f"The rehearsal failed: {error!r}", 500)
            return error_answer(failed)
