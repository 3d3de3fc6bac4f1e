"""An instance that is lost is SageMaker's fault; a process that is killed in it is the image's."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest

from rehearsal.jobs.backend import ProcessBackend
from rehearsal.pipelines import retries
from rehearsal.settings import RehearsalSettings
from tests.instances import process_of
from tests.rehearsal.images.support import wait_until
from tests.rehearsal.jobs.support import end_of, get, instances, keys, processing, run, start

Image = Callable[[str], str]

WRITE_AND_WAIT = """
    import time
    from pathlib import Path
    Path("/opt/ml/processing/output/half").write_text("half")
    time.sleep(600)
"""


@pytest.mark.parametrize("host", ["algo-1", "algo-2"])
def test_the_loss_of_an_instance_ends_the_job_on_every_host_with_an_internal_error(
    settings: RehearsalSettings, backend: ProcessBackend, image: Image, bucket: str, host: str
) -> None:
    hosts = ("algo-1", "algo-2")
    wanted = processing(
        f"lost-{host}", image(WRITE_AND_WAIT), bucket, ProcessingResources=instances(2)
    )
    folder = settings.state / "jobs" / f"processing-lost-{host}"
    halves = [folder / each / "ml" / "processing" / "output" / "half" for each in hosts]
    recorded = start(backend, wanted)
    wait_until(lambda: all(half.exists() for half in halves), "both hosts work")
    processes = {each: process_of(folder, each) for each in hosts}
    victim = processes[host]
    assert victim is not None

    os.kill(victim, signal.SIGKILL)

    ended = end_of(recorded, wanted)
    assert ended["ProcessingJobStatus"] == "Failed"
    assert ended["FailureReason"].startswith("InternalServerError: ")
    assert host in ended["FailureReason"]
    assert retries.of_failure_reason(ended["FailureReason"]) == "SageMaker.JOB_INTERNAL_ERROR"
    assert [process_of(folder, each) for each in hosts] == [None, None]
    assert keys(settings, bucket, "out") == []


def test_a_process_that_is_killed_inside_is_the_image_s_own_failure(
    backend: ProcessBackend, image: Image, bucket: str
) -> None:
    killed = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"

    ended = run(backend, processing("killed-inside", image(killed), bucket))

    assert ended["FailureReason"].startswith("AlgorithmError: ")
    assert ended["FailureReason"].endswith("exit code: 137")


def test_the_next_attempt_writes_over_what_an_earlier_one_uploaded(
    settings: RehearsalSettings, backend: ProcessBackend, image: Image, bucket: str
) -> None:
    for attempt in ("first", "second"):
        program = f"""
            from pathlib import Path
            Path("/opt/ml/processing/output/shard").write_text("{attempt}")
        """
        run(backend, processing(attempt, image(program), bucket))

    assert keys(settings, bucket, "out") == ["out/shard"]
    assert get(settings, bucket, "out/shard") == b"second"
