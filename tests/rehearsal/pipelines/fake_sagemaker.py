"""SageMaker for the engine's tests: jobs in memory that end when a test says so."""

from __future__ import annotations

import re
import threading
from collections import defaultdict, deque
from typing import Any

import botocore.session
from botocore.validate import ParamValidator

from rehearsal.errors import ApiError

_MODEL = botocore.session.get_session().get_service_model("sagemaker")
_ARN = "arn:aws:sagemaker:us-east-1:000000000000:"


class FakeSageMaker:
    """Called as `call(operation, request)`; requests pass botocore's validation.

    A job is Completed at the first look, unless its step is held or an outcome was planned.
    """

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.running: set[str] = set()
        self.most_at_once = 0
        self._lock = threading.RLock()
        self._records: dict[str, dict[str, Any]] = {}
        self._held: set[str] = set()
        self._outcomes: dict[str, deque[str]] = defaultdict(deque)
        self._errors: dict[str, deque[ApiError]] = defaultdict(deque)

    def hold(self, *steps: str) -> None:
        """Jobs of these steps stay InProgress."""
        self._held |= set(steps)

    def release(self, step: str) -> None:
        with self._lock:
            self._held.discard(step)

    def plan(self, step: str, *failure_reasons: str) -> None:
        """The step's next attempts fail, one a reason; then they complete."""
        self._outcomes[step].extend(failure_reasons)

    def refuse(self, operation: str, *errors: ApiError) -> None:
        """The next calls of the operation raise, one an error."""
        self._errors[operation].extend(errors)

    def requests_of(self, operation: str) -> list[dict[str, Any]]:
        return [request for name, request in self.requests if name == operation]

    def created(self) -> list[str]:
        """The steps whose jobs were created, in order."""
        return [
            _step_of(request)
            for operation, request in self.requests
            if re.fullmatch("Create(Processing|Training)Job", operation)
        ]

    def __call__(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            self.requests.append((operation, request))
            if self._errors[operation]:
                raise self._errors[operation].popleft()
            _check(operation, request)
            verb, resource = re.fullmatch("(Create|Describe|Stop)(.*)", operation).groups()
            return getattr(self, f"_{verb.lower()}")(resource, request)

    def _create(self, resource: str, request: dict[str, Any]) -> dict[str, Any]:
        name = request.get(f"{resource}Name") or f"{request['ModelPackageGroupName']}/1"
        kind = {"ModelPackage": "model-package", "Model": "model"}.get(
            resource, resource.removesuffix("Job").lower() + "-job"
        )
        arn = f"{_ARN}{kind}/{name}"
        status = "InProgress" if resource.endswith("Job") else "Completed"
        record = {**request, f"{resource}Arn": arn, f"{resource}Status": status}
        self._records[name] = self._records[arn] = record
        if status == "InProgress":
            self.running.add(name)
            self.most_at_once = max(self.most_at_once, len(self.running))
        return {f"{resource}Arn": arn}

    def _describe(self, resource: str, request: dict[str, Any]) -> dict[str, Any]:
        name = request[f"{resource}Name"]
        if name not in self._records:
            raise ApiError("ValidationException", f"Could not find {name}.")
        record = self._records[name]
        if resource.endswith("Job"):
            self._let_end(resource, name, record)
        return dict(record)

    def _let_end(self, resource: str, name: str, record: dict[str, Any]) -> None:
        status = record[f"{resource}Status"]
        step = _step_of(record)
        if status == "Stopping":
            end = "Stopped"
        elif status == "InProgress" and step not in self._held:
            end = "Failed" if self._outcomes[step] else "Completed"
        else:
            return
        if end == "Failed":
            record["FailureReason"] = self._outcomes[step].popleft()
        if resource == "TrainingJob":
            uri = f"{record['OutputDataConfig']['S3OutputPath']}/{name}/output/model.tar.gz"
            record["ModelArtifacts"] = {"S3ModelArtifacts": uri}
        record[f"{resource}Status"] = end
        self.running.discard(name)

    def _stop(self, resource: str, request: dict[str, Any]) -> dict[str, Any]:
        self._records[request[f"{resource}Name"]][f"{resource}Status"] = "Stopping"
        return {}


def _step_of(request: dict[str, Any]) -> str:
    name = request.get("ProcessingJobName") or request.get("TrainingJobName") or ""
    return name.split("-")[2]


def _check(operation: str, request: dict[str, Any]) -> None:
    report = ParamValidator().validate(request, _MODEL.operation_model(operation).input_shape)
    if report.has_errors():
        raise ApiError("ValidationException", report.generate_report())
