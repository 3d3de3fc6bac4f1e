"""Managed spot jobs: interrupted, begun anew from their checkpoints, and ended by MaxWaitTime."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rehearsal.jobs.backend import ProcessBackend
from rehearsal.settings import RehearsalSettings
from tests.instances import process_of
from tests.rehearsal.images.support import Recorded, wait_until
from tests.rehearsal.jobs.support import arn_of, end_of, get, keys, lines, start, training

Image = Callable[[str], str]

ATTEMPT = ["Starting", "Downloading", "Training"]
# The first attempt waits for its end on every host; the next one sees a checkpoint and ends.
WAIT_THEN_END = """
import json, signal, sys, time
from pathlib import Path
config = json.loads(Path("/opt/ml/input/config/resourceconfig.json").read_text())
host = config["current_host"]
checkpoints = Path("/opt/ml/checkpoints")
def warned(*_):
    (checkpoints / f"warned-{host}").write_text("saved in time")
    sys.exit(0)
signal.signal(signal.SIGTERM, warned)
found = sorted(path.name for path in checkpoints.iterdir())
print("found", *found, flush=True)
if not found:
    (checkpoints / f"epoch-1-{host}").write_text("1")
    print("waiting", flush=True)
    time.sleep(600)
Path("/opt/ml/model/weights").write_text("1")
"""


def spot(name: str, image: str, bucket: str, max_wait: int = 900, **changes: Any) -> dict[str, Any]:
    """A request for a managed spot job with checkpoints on two hosts."""
    return training(
        name,
        image,
        bucket,
        EnableManagedSpotTraining=True,
        StoppingCondition={
            "MaxRuntimeInSeconds": min(600, max_wait),
            "MaxWaitTimeInSeconds": max_wait,
        },
        CheckpointConfig={"S3Uri": f"s3://{bucket}/checkpoints"},
        ResourceConfig={
            "InstanceCount": 2,
            "InstanceType": "ml.c5.xlarge",
            "VolumeSizeInGB": 1,
        },
        **changes,
    )


def statuses(recorded: Recorded) -> list[str]:
    return [each["SecondaryStatus"] for each in recorded.changes if "SecondaryStatus" in each]


def folder_of(settings: RehearsalSettings, wanted: dict[str, Any]) -> Path:
    return settings.state / "jobs" / f"training-{wanted['TrainingJobName']}"


def streams(settings: RehearsalSettings, name: str) -> list[list[str]]:
    return list(lines(settings, "/aws/sagemaker/TrainingJobs", f"{name}/").values())


def wait_for_checkpoints(settings: RehearsalSettings, bucket: str) -> None:
    there = [f"checkpoints/epoch-1-algo-{number}" for number in (1, 2)]
    wait_until(lambda: keys(settings, bucket, "checkpoints/") == there, "both hosts' are in S3")


def lose(settings: RehearsalSettings, wanted: dict[str, Any], host: str) -> None:
    instance = process_of(folder_of(settings, wanted), host)
    assert instance is not None
    os.kill(instance, signal.SIGKILL)


def test_a_spot_job_that_loses_an_instance_begins_anew_with_its_checkpoints(
    settings: RehearsalSettings, backend: ProcessBackend, image: Image, bucket: str
) -> None:
    wanted = spot("lost-spot", image(WAIT_THEN_END), bucket)
    recorded = start(backend, wanted)
    wait_for_checkpoints(settings, bucket)

    lose(settings, wanted, "algo-1")

    ended = end_of(recorded, wanted)
    assert ended["TrainingJobStatus"] == "Completed", ended
    assert statuses(recorded) == [*ATTEMPT, "Interrupted", *ATTEMPT, "Uploading", "Completed"]
    # The host that was left had its warning; the lost one had none.
    found = "found epoch-1-algo-1 epoch-1-algo-2 warned-algo-2"
    assert [found] in streams(settings, "lost-spot")
    assert "checkpoints/warned-algo-1" not in keys(settings, bucket, "checkpoints/")
    assert get(settings, bucket, "models/lost-spot/output/model.tar.gz")


def test_an_interruption_with_its_warning_lets_every_host_save_its_state(
    settings: RehearsalSettings, backend: ProcessBackend, image: Image, bucket: str
) -> None:
    wanted = spot("warned-spot", image(WAIT_THEN_END), bucket)
    recorded = start(backend, wanted)
    wait_for_checkpoints(settings, bucket)

    (folder_of(settings, wanted) / "interrupt").touch()

    ended = end_of(recorded, wanted)
    assert ended["TrainingJobStatus"] == "Completed", ended
    assert statuses(recorded).count("Interrupted") == 1
    for host in ("algo-1", "algo-2"):
        assert get(settings, bucket, f"checkpoints/warned-{host}") == b"saved in time"
    assert 1 <= ended["BillableTimeInSeconds"] <= ended["TrainingTimeInSeconds"]


def test_a_job_on_demand_is_not_interrupted(
    settings: RehearsalSettings, backend: ProcessBackend, image: Image, bucket: str
) -> None:
    program = """
        import time
        from pathlib import Path
        print("ready", flush=True)
        while not Path("/opt/ml/checkpoints/go").exists():
            time.sleep(0.05)
        time.sleep(1)
    """
    wanted = training("on-demand", image(program), bucket)
    recorded = start(backend, wanted)
    folder = folder_of(settings, wanted)
    wait_until(lambda: recorded.fields.get("SecondaryStatus") == "Training", "it runs")

    (folder / "interrupt").touch()
    (folder / "algo-1" / "ml" / "checkpoints" / "go").touch()

    assert end_of(recorded, wanted)["TrainingJobStatus"] == "Completed"
    assert statuses(recorded) == [*ATTEMPT, "Uploading", "Completed"]


def test_a_spot_job_that_is_not_complete_in_its_wait_time_is_stopped(
    settings: RehearsalSettings, backend: ProcessBackend, image: Image, bucket: str
) -> None:
    never = """
        import time
        print("ready", flush=True)
        time.sleep(600)
    """
    wanted = spot("waiting", image(never), bucket, max_wait=12)
    recorded = start(backend, wanted)
    wait_until(lambda: recorded.fields.get("SecondaryStatus") == "Training", "it runs")
    (folder_of(settings, wanted) / "interrupt").touch()

    ended = end_of(recorded, wanted)

    assert (ended["TrainingJobStatus"], ended["SecondaryStatus"]) == (
        "Stopped",
        "MaxWaitTimeExceeded",
    )
    assert ended["FailureReason"].startswith("MaxWaitTimeExceeded: ")
    passed = statuses(recorded)
    assert "Interrupted" in passed
    assert passed[-3:] == ["Stopping", "Uploading", "MaxWaitTimeExceeded"]
    assert keys(settings, bucket, "models/") == []


def test_a_spot_job_that_is_stopped_does_not_begin_anew(
    settings: RehearsalSettings, backend: ProcessBackend, image: Image, bucket: str
) -> None:
    wanted = spot("stopped-spot", image(WAIT_THEN_END), bucket)
    recorded = start(backend, wanted)
    wait_for_checkpoints(settings, bucket)

    backend.stop(arn_of(wanted))

    assert end_of(recorded, wanted)["TrainingJobStatus"] == "Stopped"
    assert statuses(recorded) == [*ATTEMPT, "Uploading", "Stopped"]


def test_an_error_of_the_image_ends_a_spot_job(
    settings: RehearsalSettings, backend: ProcessBackend, image: Image, bucket: str
) -> None:
    wanted = spot("wrong-spot", image("raise SystemExit(3)"), bucket)
    recorded = start(backend, wanted)

    ended = end_of(recorded, wanted)

    assert ended["TrainingJobStatus"] == "Failed"
    assert ended["FailureReason"].endswith("exit code: 3")
    assert "Interrupted" not in statuses(recorded)
