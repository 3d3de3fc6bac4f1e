"""How jobs end before they are done, and that nothing of them is left."""

from __future__ import annotations

import io
import os
import random
import signal
import subprocess
import sys
import tarfile
import textwrap
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from filelock import FileLock

from rehearsal.images import environments
from rehearsal.images.runtime.launcher import Running
from rehearsal.images.runtime.spec import Container, Group
from rehearsal.jobs.backend import ProcessBackend
from rehearsal.settings import RehearsalSettings
from tests.rehearsal.images.support import Recorded, pulled, wait_until
from tests.rehearsal.jobs.support import arn_of, end_of, get, keys, lines, run, start, training

Image = Callable[[str], str]

REPOSITORY = Path(__file__).parents[3]


def marked(mark: str, before: str = "") -> str:
    """A program that leaves a process behind, says so, and sleeps; `ps` shows both by `mark`."""
    return f"""
        import signal, subprocess, sys, time
        {before}
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", "{mark}"])
        print("ready", flush=True)
        sys.argv.append("{mark}")
        subprocess.run([sys.executable, "-c", "import time; time.sleep(600)", "{mark}"])
    """


def processes(mark: str) -> list[str]:
    """The command lines of this machine's processes that name `mark`."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if mark in command:
            found.append(command)
    return found


def is_ready(settings: RehearsalSettings, name: str) -> bool:
    try:
        streams = lines(settings, "/aws/sagemaker/TrainingJobs", f"{name}/")
    except Exception as error:  # noqa: BLE001 - botocore makes the class when it is needed
        assert "ResourceNotFound" in str(error)
        return False
    return ["ready"] in streams.values()


@pytest.fixture
def mark(request: pytest.FixtureRequest) -> str:
    return f"mark-{os.getpid()}-{abs(hash(request.node.nodeid))}"


def test_a_job_that_heeds_sigterm_ends_by_itself_when_it_is_stopped(
    settings: RehearsalSettings, backend: ProcessBackend, image: Image, bucket: str
) -> None:
    program = """
        import signal, sys, time
        def leave(*_):
            print("leaving", flush=True)
            sys.exit(0)
        signal.signal(signal.SIGTERM, leave)
        print("ready", flush=True)
        time.sleep(600)
    """
    wanted = training("polite", image(program), bucket)
    recorded = start(backend, wanted)
    wait_until(lambda: is_ready(settings, "polite"), "the job runs")

    backend.stop(arn_of(wanted))

    ended = end_of(recorded, wanted)
    assert (ended["TrainingJobStatus"], ended["SecondaryStatus"]) == ("Stopped", "Stopped")
    assert list(lines(settings, "/aws/sagemaker/TrainingJobs", "polite/").values()) == [
        ["ready", "leaving"]
    ]


def test_a_job_that_ignores_sigterm_is_killed_after_the_grace_time(
    settings: RehearsalSettings, backend: ProcessBackend, image: Image, bucket: str, mark: str
) -> None:
    stubborn = marked(mark, "signal.signal(signal.SIGTERM, signal.SIG_IGN)")
    wanted = training("stubborn", image(stubborn), bucket)
    recorded = start(backend, wanted)
    wait_until(lambda: is_ready(settings, "stubborn"), "the job runs")
    assert processes(mark)

    backend.stop(arn_of(wanted))

    assert end_of(recorded, wanted)["TrainingJobStatus"] == "Stopped"
    assert processes(mark) == []


SAVING = """
    import signal, sys, time
    from pathlib import Path
    def save(*_):
        Path("/opt/ml/model/weights").write_text("as far as it got")
        Path("/opt/ml/output/data/curve").write_text("1 2 3")
        sys.exit(0)
    signal.signal(signal.SIGTERM, save)
    print("ready", flush=True)
    time.sleep(600)
"""


def delivered(settings: RehearsalSettings, bucket: str, key: str) -> dict[str, str]:
    """The files of an archive."""
    with tarfile.open(fileobj=io.BytesIO(get(settings, bucket, key))) as tar:
        return {
            member.name: content.read().decode()
            for member in tar
            if (content := tar.extractfile(member))
        }


def test_a_training_job_that_is_stopped_delivers_what_it_saved(
    settings: RehearsalSettings, backend: ProcessBackend, image: Image, bucket: str
) -> None:
    wanted = training("saving", image(SAVING), bucket)
    recorded = start(backend, wanted)
    wait_until(lambda: is_ready(settings, "saving"), "the job runs")

    backend.stop(arn_of(wanted))

    ended = end_of(recorded, wanted)
    assert ended["TrainingJobStatus"] == "Stopped"
    model = ended["ModelArtifacts"]["S3ModelArtifacts"]
    assert model == f"s3://{bucket}/models/saving/output/model.tar.gz"
    assert delivered(settings, bucket, "models/saving/output/model.tar.gz") == {
        "weights": "as far as it got"
    }
    assert delivered(settings, bucket, "models/saving/output/output.tar.gz") == {"curve": "1 2 3"}


def test_a_training_job_whose_time_is_over_delivers_what_it_saved(
    settings: RehearsalSettings, backend: ProcessBackend, image: Image, bucket: str
) -> None:
    limit = {"MaxRuntimeInSeconds": 2}
    wanted = training("late", image(SAVING), bucket, StoppingCondition=limit)

    ended = run(backend, wanted)

    assert ended["SecondaryStatus"] == "MaxRuntimeExceeded"
    assert delivered(settings, bucket, "models/late/output/model.tar.gz") == {
        "weights": "as far as it got"
    }


def test_a_training_job_that_fails_delivers_nothing(
    settings: RehearsalSettings, backend: ProcessBackend, image: Image, bucket: str
) -> None:
    program = "open('/opt/ml/model/weights', 'w').write('1'); raise SystemExit(1)"

    ended = run(backend, training("failing", image(program), bucket))

    assert ended["TrainingJobStatus"] == "Failed"
    assert keys(settings, bucket, "models/") == []


def test_an_empty_model_folder_makes_no_archive(
    settings: RehearsalSettings, backend: ProcessBackend, image: Image, bucket: str
) -> None:
    ended = run(backend, training("empty", image("print('done')"), bucket))

    assert ended["TrainingJobStatus"] == "Completed"
    assert keys(settings, bucket, "models/") == []


def test_a_stop_reaches_the_hosts_that_are_only_being_started(
    settings: RehearsalSettings, image: Image, bucket: str
) -> None:
    many = {"InstanceCount": 8, "InstanceType": "ml.c5.xlarge", "VolumeSizeInGB": 1}
    program = "import time; time.sleep(600)"
    wanted = training("begun", image(program), bucket, ResourceConfig=many)
    recorded = Recorded([])
    # A host that did not hear of it would have these ten minutes.
    backend = ProcessBackend(settings, grace_seconds=600)

    def stop_at_once(fields: dict[str, object]) -> None:
        recorded(fields)
        if fields.get("SecondaryStatus") == "Training":
            backend.stop(arn_of(wanted))

    try:
        backend.start_training_job(wanted, arn_of(wanted), stop_at_once)

        assert end_of(recorded, wanted)["TrainingJobStatus"] == "Stopped"
    finally:
        backend.close()


def test_a_job_that_takes_too_long_is_stopped(
    backend: ProcessBackend, image: Image, bucket: str, mark: str
) -> None:
    wanted = training(
        "slow", image(marked(mark)), bucket, StoppingCondition={"MaxRuntimeInSeconds": 1}
    )

    ended = run(backend, wanted)

    assert (ended["TrainingJobStatus"], ended["SecondaryStatus"]) == (
        "Stopped",
        "MaxRuntimeExceeded",
    )
    assert processes(mark) == []


def test_what_a_container_leaves_behind_ends_with_it(
    settings: RehearsalSettings, backend: ProcessBackend, image: Image, bucket: str, mark: str
) -> None:
    program = f"""
        import subprocess, sys
        sleep = [sys.executable, "-c", "import time; time.sleep(600)", "{mark}"]
        subprocess.Popen(sleep, start_new_session=True)
    """
    ended = run(backend, training("leaving", image(program), bucket))

    assert ended["TrainingJobStatus"] == "Completed"
    assert processes(mark) == []


def test_closing_the_backend_ends_every_job_at_once(
    settings: RehearsalSettings, image: Image, bucket: str, mark: str
) -> None:
    backend = ProcessBackend(settings)
    start(backend, training("closed", image(marked(mark)), bucket))
    wait_until(lambda: is_ready(settings, "closed"), "the job runs")

    backend.close()

    # They were sent SIGKILL, which the kernel carries out in its own time.
    wait_until(lambda: processes(mark) == [], "all of its processes are gone")
    assert list((settings.state / "jobs").iterdir()) == []


def test_containers_that_are_killed_while_they_start_end(tmp_path: Path) -> None:
    chance = random.Random(14)

    def has_ended(number: int) -> bool:
        folder = tmp_path / str(number)
        (folder / "root").mkdir(parents=True)
        sleep = (sys.executable, "-c", "import time; time.sleep(600)")
        container = Container("algo-1", sleep, {}, "/", str(folder / "root"), ())
        running = Running(Group((container,), True, 0), folder, lambda *_: None)
        # `unshare` forks within these: its child does not yet die with it in the first moments.
        time.sleep(chance.uniform(0.002, 0.02))
        running.kill()
        return running.wait(20) is not None

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(has_ended, range(200)))
    wait_until(lambda: processes(str(tmp_path)) == [], "all of their processes are gone")


def test_a_job_whose_progress_cannot_be_reported_fails_and_leaves_nothing(
    backend: ProcessBackend, image: Image, bucket: str, mark: str
) -> None:
    limit = {"MaxRuntimeInSeconds": 1}
    wanted = training("unheard", image(marked(mark)), bucket, StoppingCondition=limit)
    recorded = Recorded([])

    def unheard(fields: dict[str, object]) -> None:
        if fields.get("TrainingJobStatus") == "Stopping":
            raise KeyError("nobody hears it")
        recorded(fields)

    backend.start_training_job(wanted, arn_of(wanted), unheard)

    assert "nobody hears it" in end_of(recorded, wanted)["FailureReason"]
    wait_until(lambda: processes(mark) == [], "its processes are gone", 10)


def test_killing_the_engine_leaves_nothing_running(
    settings: RehearsalSettings, image: Image, bucket: str, mark: str
) -> None:
    wanted = training("orphan", image(marked(mark)), bucket)
    engine = f"""
        import time
        from pathlib import Path
        from rehearsal.jobs.backend import ProcessBackend
        from rehearsal.settings import RehearsalSettings
        paths = Path({str(settings.state)!r}), Path({str(settings.cache)!r})
        backend = ProcessBackend(RehearsalSettings(*paths, {settings.port}))
        backend.start_training_job({wanted!r}, {arn_of(wanted)!r}, lambda fields: None)
        time.sleep(600)
    """
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(engine)], cwd=REPOSITORY)
    try:
        wait_until(lambda: is_ready(settings, "orphan"), "the job runs")
        assert processes(mark)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()

    wait_until(lambda: not processes(mark), "all of the job's processes are gone")
    folder = str(settings.state / "jobs" / "training-orphan")
    wait_until(lambda: not processes(folder), "the supervisor is gone")


def test_a_backend_that_starts_clears_what_a_killed_one_left(settings: RehearsalSettings) -> None:
    left = settings.state / "jobs" / "training-left"
    left.mkdir(parents=True)

    ProcessBackend(settings).close()

    assert not left.exists()


def test_a_job_stopped_before_it_runs_never_starts(
    settings: RehearsalSettings, backend: ProcessBackend, image: Image, bucket: str
) -> None:
    wanted = training("early", image("print('ready')"), bucket)
    recorded = Recorded([])

    def stop_at_once(fields: dict[str, object]) -> None:
        recorded(fields)
        if fields.get("SecondaryStatus") == "Starting":
            backend.stop(arn_of(wanted))

    backend.start_training_job(wanted, arn_of(wanted), stop_at_once)

    assert end_of(recorded, wanted)["TrainingJobStatus"] == "Stopped"
    assert not is_ready(settings, "early")


def test_a_job_that_waits_for_an_environment_of_another_process_is_stopped(
    settings: RehearsalSettings, image: Image, bucket: str, tmp_path: Path
) -> None:
    wanted = training("waiting", image("print('ready')"), bucket)
    image_ = pulled(settings, wanted["AlgorithmSpecification"]["TrainingImage"])
    elsewhere = replace(settings, cache=tmp_path / "cache")
    made = elsewhere.cache / "environments" / environments.key(image_.program)
    made.parent.mkdir(parents=True)
    backend = ProcessBackend(elsewhere, grace_seconds=2)

    with FileLock(made.with_suffix(".lock")):
        recorded = start(backend, wanted)
        backend.stop(arn_of(wanted))
        try:
            assert end_of(recorded, wanted)["TrainingJobStatus"] == "Stopped"
        finally:
            backend.close()


def test_a_job_that_fills_the_disk_fails_with_one_sentence(
    settings: RehearsalSettings,
    backend: ProcessBackend,
    image: Image,
    bucket: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # A full disk can't be had here without filling one, so the copy says what the kernel would.
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tarfile.TarFile.add", full)

    ended = run(
        backend,
        training("full", image("open('/opt/ml/model/weights', 'w').write('1')"), bucket),
    )

    assert ended["TrainingJobStatus"] == "Failed"
    assert "the disk was full while packing model.tar.gz" in ended["FailureReason"]
    assert keys(settings, bucket, "models/") == []
