"""Jobs that are stopped at any moment of their lives: all end, and nothing of them is left."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from rehearsal.api.dispatch import Api
from rehearsal.backends import Change
from rehearsal.errors import ApiError
from rehearsal.events import Events
from rehearsal.jobs.backend import ProcessBackend
from rehearsal.pipelines.metrics import ExecutionMetrics
from rehearsal.resources.context import Context
from rehearsal.settings import RehearsalSettings
from rehearsal.store import Store
from tests.rehearsal.images.support import push_image, wait_until
from tests.rehearsal.jobs.support import arn_of, data, instances, keys, processing, put, training

# `STOPS=200` tries as many moments as nobody waits for with each change, STOPS_SEED others.
STOPS = int(os.environ.get("STOPS", "40"))
SEED = os.environ.get("STOPS_SEED", "14")
_AT_ONCE = 12
_PREFIX = f"stopped-{os.getpid()}"

KINDS = ("plain", "deaf", "saving", "leaving", "failing")
PROGRAM = """
    import os, signal, subprocess, sys, time
    from pathlib import Path

    kind = os.environ["KIND"]
    if kind == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if kind == "saving":
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    if kind == "leaving":
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    for folder in map(Path, ("/opt/ml/processing/output", "/opt/ml/model")):
        if folder.is_dir():
            folder.joinpath(os.environ["MARK"]).write_text("1")
    time.sleep(float(os.environ["SECONDS"]))
    sys.exit(3 if kind == "failing" else 0)
"""


@dataclass(frozen=True)
class Moment:
    """At most `latest` seconds after a job got so far that it `told` so.

    Attributes:
        seconds: one of which its program takes.
    """

    told: str
    latest: float
    seconds: tuple[float, ...]


MOMENTS = (
    Moment("handed over", 0, (600,)),
    Moment("handed over", 0.5, (600,)),
    Moment("inputs", 0, (600,)),
    Moment("inputs", 0.3, (600,)),
    Moment("containers", 0, (0, 0.2, 600)),
    Moment("containers", 0.3, (0, 0.2, 600)),
    Moment("containers", 1, (0, 0.2, 600)),
    Moment("end", 0, (0, 0.2)),
    Moment("end", 0.1, (0, 0.2)),
)


def _told(fields: dict[str, Any]) -> str:
    """How far a job got that reports these fields."""
    secondary = fields.get("SecondaryStatus")
    if secondary == "Downloading":
        return "inputs"
    if secondary == "Training" or "ProcessingStartTime" in fields:
        return "containers"
    if secondary == "Uploading" or {"ProcessingEndTime", "TrainingEndTime"} & fields.keys():
        return "end"
    return ""


@dataclass
class Stopped:
    """One job, and when it is stopped.

    Attributes:
        answer: to its stop: empty where it was accepted, None where it was not tried yet.
    """

    type: str
    request: dict[str, Any]
    kind: str
    told: str
    delay: float
    answer: str | None = None
    due: threading.Event = field(default_factory=threading.Event)

    @property
    def name(self) -> dict[str, Any]:
        """The request's member of that name."""
        return {f"{self.type}JobName": self.request[f"{self.type}JobName"]}


def _drawn(number: int, image: str, bucket: str) -> Stopped:
    """A job and the moment of its stop, always the same for a number and a seed."""
    chance = random.Random(f"{SEED} {number}")
    moment, kind = chance.choice(MOMENTS), chance.choice(KINDS)
    name, hosts = f"{_PREFIX}-{number}", chance.choice((1, 1, 1, 2, 3))
    variables = {"KIND": kind, "SECONDS": str(chance.choice(moment.seconds)), "MARK": name}
    delay = chance.uniform(0, moment.latest)
    inputs = data(f"s3://{bucket}/in/")
    if chance.random() < 0.5:
        # One of processing tells nothing of its inputs.
        told = "handed over" if moment.told == "inputs" else moment.told
        more = {"ProcessingResources": instances(hosts), "ProcessingInputs": [inputs]}
        request = processing(name, image, bucket, Environment=variables, **more)
        return Stopped("Processing", request, kind, told, delay)
    source = {key: inputs["S3Input"][key] for key in ("S3Uri", "S3DataType")}
    request = training(name, image, bucket, Environment=variables)
    request["InputDataConfig"] = [{"ChannelName": "in", "DataSource": {"S3DataSource": source}}]
    request["ResourceConfig"] |= {"InstanceCount": hosts}
    return Stopped("Training", request, kind, moment.told, delay)


class Stops:
    """A backend that stops its jobs by SageMaker's API, from within what they tell it."""

    def __init__(self, backend: ProcessBackend, api: Api) -> None:
        self.stop = backend.stop
        self.close = backend.close
        self._backend = backend
        self._api = api
        self._jobs: dict[str, Stopped] = {}

    def run(self, job: Stopped) -> dict[str, Any]:
        """What is described of the job once it is over, and its stop was answered."""
        self._jobs[arn_of(job.request)] = job
        self._api.call(f"Create{job.type}Job", job.request)

        def status() -> str:
            found = self._api.call(f"Describe{job.type}Job", job.name)
            return str(found[f"{job.type}JobStatus"])

        wait_until(lambda: status() not in ("InProgress", "Stopping"), f"the end of {job}")
        wait_until(lambda: job.answer is not None, f"the stop of {job}")
        return self._api.call(f"Describe{job.type}Job", job.name)

    def start_processing_job(self, request: dict[str, Any], arn: str, change: Change) -> None:
        self._heard(arn, "handed over")
        self._backend.start_processing_job(request, arn, self._hearing(arn, change))

    def start_training_job(self, request: dict[str, Any], arn: str, change: Change) -> None:
        self._heard(arn, "handed over")
        self._backend.start_training_job(request, arn, self._hearing(arn, change))

    def _hearing(self, arn: str, change: Change) -> Change:
        def hear(fields: dict[str, Any]) -> None:
            self._heard(arn, _told(fields))
            change(fields)

        return hear

    def _heard(self, arn: str, told: str) -> None:
        job = self._jobs[arn]
        if told != job.told or job.due.is_set():
            return
        job.due.set()
        if job.delay:
            threading.Timer(job.delay, self._stop, (job,)).start()
        else:
            self._stop(job)

    def _stop(self, job: Stopped) -> None:
        try:
            self._api.call(f"Stop{job.type}Job", job.name)
            job.answer = ""
        except ApiError as error:
            job.answer = error.message


@pytest.fixture
def stops(settings: RehearsalSettings, tmp_path: Path) -> Iterator[Stops]:
    with closing(Store(tmp_path / "store.sqlite")) as store:
        events, metrics = Events(store, lambda *_: None), ExecutionMetrics(lambda *_: None)
        context = Context(settings, store, events, metrics)
        stops = Stops(ProcessBackend(settings, grace_seconds=0.5), Api(context))
        context.jobs = stops
        with closing(stops):
            yield stops


def _processes(state: Path) -> list[str]:
    """The processes, in whatever namespaces, of jobs of the state folder: their supervisors name
    it in their command, and containers have their job's mark.
    """
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes()
            variables = (process / "environ").read_bytes()
        except OSError:
            continue
        if bytes(state) in command or f"MARK={_PREFIX}-".encode() in variables:
            found.append(f"{process.name} {command!r}")
    return found


def _why_wrong(job: Stopped, found: dict[str, Any], delivered: set[str]) -> str:
    """Why a job should not have ended so; empty where it should."""
    status = found[f"{job.type}JobStatus"]
    reason = found.get("FailureReason", "")
    results = {"Processing": "out/{}", "Training": "models/{}/output/model.tar.gz"}
    result = results[job.type].format(job.request["Environment"]["MARK"])
    right = {
        "Stopped": job.answer == "" and not reason,
        "Failed": job.kind == "failing" and "exit code: 3" in reason,
        "Completed": job.kind != "failing" and not reason and result in delivered,
    }
    if not right[status] or found.get("SecondaryStatus", status) != status:
        return f"{job} ended so: {found}"
    if job.answer and f"is in status {status}" not in job.answer:
        return f"The stop of {job} was refused: {job.answer}"
    return ""


def test_a_job_that_is_stopped_at_any_moment_ends_rightly_and_leaves_nothing(
    settings: RehearsalSettings, stops: Stops, bucket: str, tmp_path: Path
) -> None:
    image = push_image(settings, tmp_path / "context", PROGRAM)
    put(settings, bucket, {f"in/{number}": b"1" for number in range(12)})
    jobs = [_drawn(number, image, bucket) for number in range(STOPS)]

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        ended = list(pool.map(stops.run, jobs))

    delivered = set(keys(settings, bucket, ""))
    wrong = [_why_wrong(job, found, delivered) for job, found in zip(jobs, ended, strict=True)]
    assert [each for each in wrong if each] == []
    assert _processes(settings.state) == []
    wait_until(lambda: not list((settings.state / "jobs").iterdir()), "their folders are gone")
