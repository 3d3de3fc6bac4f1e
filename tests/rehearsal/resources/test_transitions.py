"""Changes of a job and of an execution that come at the same time."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rehearsal.api.dispatch import Api
from rehearsal.backends import Change
from rehearsal.errors import ApiError
from rehearsal.events import Events
from rehearsal.pipelines.engine import Engine
from rehearsal.pipelines.metrics import ExecutionMetrics
from rehearsal.resources import jobs
from rehearsal.resources.context import Context
from rehearsal.settings import RehearsalSettings
from rehearsal.store import Store

Request = Callable[..., dict[str, Any]]


class Jobs:
    """Jobs that end when a test says so."""

    def __init__(self) -> None:
        self.changes: dict[str, Change] = {}
        self.stopped: list[str] = []
        self.on_start: Callable[[str], object] = lambda arn: None

    def start_processing_job(self, request: dict[str, Any], arn: str, change: Change) -> None:
        self.on_start(arn)
        self.changes[arn] = change

    start_training_job = start_processing_job

    def stop(self, arn: str) -> None:
        if arn in self.changes:
            self.stopped.append(arn)

    def close(self) -> None:
        return None


class Rehearsal:
    def __init__(self, state: Path) -> None:
        settings = RehearsalSettings(state=state, cache=state, port=0)
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.refuse = 0
        self.store = Store(state / "sagemaker.sqlite")
        self.events = Events(self.store, self._put)
        metrics = ExecutionMetrics(lambda _: None)
        self.context = Context(settings, self.store, self.events, metrics)
        self.api = Api(self.context)
        self.jobs = self.context.jobs = Jobs()
        self.engine = Engine(settings, self.api.call, self.api, 0.01, lambda uri: b"{}")
        self.context.pipelines = self.engine

    def _put(self, detail_type: str, detail: dict[str, Any], resources: list[str]) -> None:
        if self.refuse:
            self.refuse -= 1
            raise RuntimeError("nobody takes it")
        self.sent.append((detail_type, detail))

    def status(self, name: str) -> str:
        described = self.api.call("DescribeTrainingJob", {"TrainingJobName": name})
        return str(described["TrainingJobStatus"])


@pytest.fixture
def rehearsal(tmp_path: Path) -> Iterator[Rehearsal]:
    rehearsal = Rehearsal(tmp_path)
    yield rehearsal
    rehearsal.engine.close()
    rehearsal.events.close()
    rehearsal.store.close()


@pytest.fixture
def often() -> Iterator[None]:
    """Threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def at_once(*works: Callable[[], object]) -> None:
    gate = threading.Barrier(len(works))

    def work(own: Callable[[], object]) -> None:
        gate.wait()
        own()

    threads = [threading.Thread(target=work, args=(own,)) for own in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_a_stop_that_meets_the_end_of_a_job_leaves_no_job_stopping(
    rehearsal: Rehearsal, training: Request, often: None
) -> None:
    for number in range(100):
        name = f"t{number}"
        arn = rehearsal.api.call("CreateTrainingJob", training(name))["TrainingJobArn"]
        refused: list[ApiError] = []

        def stop(name: str = name, refused: list[ApiError] = refused) -> None:
            try:
                rehearsal.api.call("StopTrainingJob", {"TrainingJobName": name})
            except ApiError as error:
                refused.append(error)

        ended = {"TrainingJobStatus": "Completed", "SecondaryStatus": "Completed"}
        at_once(stop, lambda arn=arn, ended=ended: rehearsal.jobs.changes[arn](ended))  # type: ignore[misc]

        assert rehearsal.status(name) == "Completed"
        assert not refused or "is in status Completed" in refused[0].message


def test_what_comes_after_the_end_of_a_job_changes_nothing(
    rehearsal: Rehearsal, training: Request
) -> None:
    arn = rehearsal.api.call("CreateTrainingJob", training("late"))["TrainingJobArn"]
    change = rehearsal.jobs.changes[arn]
    change({"TrainingJobStatus": "Failed", "SecondaryStatus": "Failed"})

    change({"TrainingJobStatus": "Stopping", "SecondaryStatus": "Stopping"})
    change({"SecondaryStatus": "Uploading"})

    described = rehearsal.api.call("DescribeTrainingJob", {"TrainingJobName": "late"})
    assert (described["TrainingJobStatus"], described["SecondaryStatus"]) == ("Failed", "Failed")


def test_a_job_that_is_being_stopped_does_not_seem_to_train(
    rehearsal: Rehearsal, training: Request
) -> None:
    arn = rehearsal.api.call("CreateTrainingJob", training("slow"))["TrainingJobArn"]
    rehearsal.api.call("StopTrainingJob", {"TrainingJobName": "slow"})

    rehearsal.jobs.changes[arn]({"SecondaryStatus": "Training"})

    described = rehearsal.api.call("DescribeTrainingJob", {"TrainingJobName": "slow"})
    assert described["SecondaryStatus"] == "Stopping"


def test_a_stop_before_the_backend_knows_the_job_reaches_it(
    rehearsal: Rehearsal, training: Request
) -> None:
    rehearsal.jobs.on_start = lambda arn: rehearsal.api.call(
        "StopTrainingJob", {"TrainingJobName": "early"}
    )

    arn = rehearsal.api.call("CreateTrainingJob", training("early"))["TrainingJobArn"]

    assert rehearsal.jobs.stopped == [arn]


def test_a_job_that_its_backend_does_not_start_fails(
    rehearsal: Rehearsal, training: Request
) -> None:
    def refuse(arn: str) -> None:
        raise RuntimeError("no thread is left")

    rehearsal.jobs.on_start = refuse

    with pytest.raises(RuntimeError):
        rehearsal.api.call("CreateTrainingJob", training("unstarted"))

    assert rehearsal.status("unstarted") == "Failed"


@pytest.mark.parametrize("status", sorted(jobs._LAST))
def test_the_last_status_of_a_job_has_an_end(
    rehearsal: Rehearsal, training: Request, status: str
) -> None:
    arn = rehearsal.api.call("CreateTrainingJob", training("timed"))["TrainingJobArn"]
    main = status if status in ("Completed", "Failed") else "Stopped"

    rehearsal.jobs.changes[arn]({"TrainingJobStatus": main, "SecondaryStatus": status})

    described = rehearsal.api.call("DescribeTrainingJob", {"TrainingJobName": "timed"})
    last = described["SecondaryStatusTransitions"][-1]
    assert last["Status"] == status
    assert "EndTime" in last
    assert last["StatusMessage"].startswith("Training job ")


def test_stops_of_an_execution_that_ends_leave_none_stopping(
    rehearsal: Rehearsal, definition: Callable[..., str], often: None
) -> None:
    def complete(arn: str) -> None:
        while arn not in rehearsal.jobs.changes:  # The start is just being made.
            time.sleep(0.001)
        rehearsal.jobs.changes[arn]({"ProcessingJobStatus": "Completed"})

    rehearsal.jobs.on_start = lambda arn: threading.Timer(0.005, complete, (arn,)).start()
    role = "arn:aws:iam::000000000000:role/tests"
    made = {"PipelineName": "p", "PipelineDefinition": definition(), "RoleArn": role}
    rehearsal.api.call("CreatePipeline", made | {"ClientRequestToken": "t" * 32})
    ended = threading.Event()
    for number in range(30):
        token = f"{number:032}"
        request = {"PipelineName": "p", "ClientRequestToken": token}
        arn = rehearsal.api.call("StartPipelineExecution", request)["PipelineExecutionArn"]
        ended.wait(number / 2_000)
        try:
            asked = {"PipelineExecutionArn": arn, "ClientRequestToken": token}
            rehearsal.api.call("StopPipelineExecution", asked)
        except ApiError as error:
            assert error.code == "ConflictException"

        status = ""
        for _ in range(2_000):
            described = {"PipelineExecutionArn": arn}
            answer = rehearsal.api.call("DescribePipelineExecution", described)
            status = answer["PipelineExecutionStatus"]
            if status not in ("Executing", "Stopping"):
                break
            ended.wait(0.005)
        assert status in ("Stopped", "Succeeded")


def test_an_event_is_sent_when_its_change_is_kept_and_only_then(
    rehearsal: Rehearsal, training: Request
) -> None:
    def fail_in_a_transaction() -> None:
        with rehearsal.store.transaction():
            rehearsal.api.call("CreateTrainingJob", training("undone"))
            raise LookupError

    with pytest.raises(LookupError):
        fail_in_a_transaction()
    rehearsal.api.call("CreateTrainingJob", training("kept"))
    rehearsal.events.close()

    assert [detail["TrainingJobName"] for _, detail in rehearsal.sent] == ["kept"]


def test_events_that_were_not_sent_are_sent_by_the_next_server_in_order(
    rehearsal: Rehearsal, training: Request
) -> None:
    arn = rehearsal.api.call("CreateTrainingJob", training("told"))["TrainingJobArn"]
    rehearsal.jobs.changes[arn]({"TrainingJobStatus": "Completed", "SecondaryStatus": "Completed"})
    sent: list[str] = []

    def put(_: str, detail: dict[str, Any], resources: list[str]) -> None:
        sent.append(detail["TrainingJobStatus"])
        json.dumps(detail)

    Events(rehearsal.store, put).close()

    assert sent == ["InProgress", "Completed"]


def test_an_event_that_nobody_takes_does_not_keep_the_others(
    rehearsal: Rehearsal, training: Request
) -> None:
    rehearsal.refuse = 5
    for name in ("first", "second"):
        rehearsal.api.call("CreateTrainingJob", training(name))

    for _ in range(5):
        rehearsal.events._send_all()

    assert [detail["TrainingJobName"] for _, detail in rehearsal.sent] == ["second"]
