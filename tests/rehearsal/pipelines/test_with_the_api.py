"""The engine behind the rehearsal's own SageMaker API, with jobs that end at once."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rehearsal.api.dispatch import Api
from rehearsal.backends import Change
from rehearsal.errors import ApiError
from rehearsal.events import Events
from rehearsal.pipelines.engine import Engine
from rehearsal.pipelines.metrics import ExecutionMetrics
from rehearsal.resources.context import Context
from rehearsal.settings import RehearsalSettings
from rehearsal.store import Store

from .definitions import definition, processing

_ROLE = "arn:aws:iam::000000000000:role/pipeline"
_METRICS = {"multiclass_classification_metrics": {"accuracy": {"value": 0.97}}}
_ENDS = ("Succeeded", "Failed", "Stopped")


class _InstantJobs:
    """A job backend whose jobs complete as soon as they start."""

    def start_processing_job(self, request: dict[str, Any], arn: str, change: Change) -> None:
        change({"ProcessingJobStatus": "Completed"})

    def start_training_job(self, request: dict[str, Any], arn: str, change: Change) -> None:
        uri = f"{request['OutputDataConfig']['S3OutputPath']}/model.tar.gz"
        artifacts = {"S3ModelArtifacts": uri}
        change({"TrainingJobStatus": "Completed", "ModelArtifacts": artifacts})

    def stop(self, arn: str) -> None:
        return None

    def close(self) -> None:
        return None


class _Rehearsal:
    def __init__(self, state: Path) -> None:
        settings = RehearsalSettings(state=state, cache=state, port=0)
        self.events: list[tuple[str, dict[str, Any]]] = []
        self._over = threading.Event()
        self._store = Store(state / "sagemaker.sqlite")
        metrics = ExecutionMetrics(lambda _: None)
        self._events = Events(self._store, self._put)
        self._events.start()
        context = Context(settings, self._store, self._events, metrics)
        self.call = Api(context).call
        context.jobs = _InstantJobs()
        self._engine = Engine(
            settings, self.call, Api(context), 0.01, lambda uri: json.dumps(_METRICS).encode()
        )
        context.pipelines = self._engine

    def run(self, body: str, **parameters: str) -> str:
        """Create a pipeline, run it to the end; returns the execution's ARN."""
        token = "t" * 32
        self.call(
            "CreatePipeline",
            {
                "PipelineName": "training",
                "PipelineDefinition": body,
                "RoleArn": _ROLE,
                "ClientRequestToken": token,
            },
        )
        started = self.call(
            "StartPipelineExecution",
            {
                "PipelineName": "training",
                "ClientRequestToken": token,
                "PipelineParameters": [{"Name": k, "Value": v} for k, v in parameters.items()],
            },
        )
        assert self._over.wait(20)
        return str(started["PipelineExecutionArn"])

    def close(self) -> None:
        self._engine.close()
        self._events.close()
        self._store.close()

    def _put(self, detail_type: str, detail: dict[str, Any], resources: list[str]) -> None:
        self.events.append((detail_type, detail))
        if detail.get("currentPipelineExecutionStatus") in _ENDS:
            self._over.set()


@pytest.fixture
def rehearsal(tmp_path: Path) -> Iterator[_Rehearsal]:
    rehearsal = _Rehearsal(tmp_path)
    yield rehearsal
    rehearsal.close()


def test_a_definition_of_the_sdk_runs_through_the_api_s_own_validation(
    rehearsal: _Rehearsal, training_pipeline: str
) -> None:
    rehearsal.call("CreateModelPackageGroup", {"ModelPackageGroupName": "models"})
    arn = rehearsal.run(training_pipeline, DropId="monday")

    request = {"PipelineExecutionArn": arn}
    described = rehearsal.call("DescribePipelineExecution", request)
    answer = rehearsal.call("ListPipelineExecutionSteps", {**request, "SortOrder": "Ascending"})
    steps = {step["StepName"]: step for step in answer["PipelineExecutionSteps"]}
    reasons = [step.get("FailureReason") for step in steps.values()]
    assert described["PipelineExecutionStatus"] == "Succeeded", reasons
    assert list(steps)[-2:] == ["CheckQuality", "RegisterModel"]
    package = steps["RegisterModel"]["Metadata"]["RegisterModel"]["Arn"]
    found = rehearsal.call("DescribeModelPackage", {"ModelPackageName": package})
    assert found["ModelApprovalStatus"] == "PendingManualApproval"


def test_each_change_of_a_step_becomes_an_event(
    rehearsal: _Rehearsal, training_pipeline: str
) -> None:
    rehearsal.call("CreateModelPackageGroup", {"ModelPackageGroupName": "models"})
    rehearsal.run(training_pipeline, DropId="monday")
    changes = [
        (detail["stepType"], detail["currentStepStatus"])
        for _, detail in rehearsal.events
        if detail.get("stepName") == "TrainModel"
    ]
    assert changes == [
        ("Training", "Starting"),
        ("Training", "Executing"),
        ("Training", "Succeeded"),
    ]


def test_a_wrong_definition_is_refused_when_the_pipeline_is_created(
    rehearsal: _Rehearsal,
) -> None:
    with pytest.raises(ApiError, match="depends on the step 'Z', which does not exist"):
        rehearsal.run(definition(processing("A", after=["Z"])))
