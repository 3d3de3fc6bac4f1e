"""Checkpoints and TensorBoard's logs reach S3 while a job runs, and checkpoints come back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rehearsal import aws
from rehearsal.jobs.backend import ProcessBackend
from rehearsal.jobs.live_upload import LiveUpload
from rehearsal.s3_uri import S3Uri
from rehearsal.settings import RehearsalSettings
from tests.rehearsal.images.support import SAGEMAKERS_OWN, wait_until
from tests.rehearsal.jobs.support import (
    arn_of,
    complete,
    end_of,
    get,
    keys,
    lines,
    put,
    role_that_may,
    run,
    start,
    training,
)

Image = Callable[[str], str]

TWO_HOSTS = {"InstanceCount": 2, "InstanceType": "ml.c5.xlarge", "VolumeSizeInGB": 1}
HOST = """
import json
from pathlib import Path
config = json.loads(Path("/opt/ml/input/config/resourceconfig.json").read_text())
host = config["current_host"]
checkpoints = Path("/opt/ml/checkpoints")
"""


def checkpoints_in(bucket: str) -> dict[str, dict[str, str]]:
    return {"CheckpointConfig": {"S3Uri": f"s3://{bucket}/checkpoints"}}


def test_checkpoints_of_every_host_are_in_s3_while_the_job_runs(
    settings: RehearsalSettings, backend: ProcessBackend, image: Image, bucket: str
) -> None:
    program = f"""{HOST}
import time
(checkpoints / "epochs").mkdir()
(checkpoints / "epochs" / host).write_text(host)
time.sleep(600)
"""
    wanted = training(
        "running", image(program), bucket, ResourceConfig=TWO_HOSTS, **checkpoints_in(bucket)
    )
    recorded = start(backend, wanted)

    there = ["checkpoints/epochs/algo-1", "checkpoints/epochs/algo-2"]
    wait_until(lambda: keys(settings, bucket, "checkpoints/") == there, "both are in S3")

    assert recorded.fields.get("TrainingJobStatus") is None
    assert get(settings, bucket, "checkpoints/epochs/algo-2") == b"algo-2"
    backend.stop(arn_of(wanted))
    end_of(recorded, wanted)


def test_a_checkpoint_that_is_written_again_is_copied_again_and_one_that_is_deleted_stays(
    settings: RehearsalSettings, backend: ProcessBackend, image: Image, bucket: str
) -> None:
    program = f"""{HOST}
import time
(checkpoints / "first").write_text("1")
(checkpoints / "kept").write_text("old")
while not Path("/opt/ml/checkpoints/seen").exists():
    time.sleep(0.05)
(checkpoints / "first").unlink()
(checkpoints / "kept").write_text("new")
time.sleep(600)
"""
    wanted = training("again", image(program), bucket, **checkpoints_in(bucket))
    recorded = start(backend, wanted)
    there = ["checkpoints/first", "checkpoints/kept"]
    wait_until(lambda: keys(settings, bucket, "checkpoints/") == there, "both are in S3")

    folder = settings.state / "jobs" / "training-again" / "algo-1" / "ml" / "checkpoints"
    (folder / "seen").touch()

    wait_until(lambda: get(settings, bucket, "checkpoints/kept") == b"new", "it is copied again")
    assert get(settings, bucket, "checkpoints/first") == b"1"
    backend.stop(arn_of(wanted))
    end_of(recorded, wanted)


def test_a_file_is_never_half_in_s3_while_it_is_written_over_and_over(
    settings: RehearsalSettings, backend: ProcessBackend, image: Image, bucket: str
) -> None:
    """In place, and in the same size: only the time of modification tells."""
    program = f"""{HOST}
import time
number = 0
with open(checkpoints / "state", "wb", buffering=0) as file:
    while not (checkpoints / "enough").exists():
        ends = time.monotonic() + 0.7
        while time.monotonic() < ends:
            number += 1
            file.seek(0)
            for part in range(64):
                file.write(bytes([number % 256]) * 65536)
        time.sleep(1.2)
"""
    wanted = training("torn", image(program), bucket, **checkpoints_in(bucket))
    recorded = start(backend, wanted)
    seen: set[bytes] = set()

    def is_seen_changing() -> bool:
        if keys(settings, bucket, "checkpoints/state"):
            seen.add(get(settings, bucket, "checkpoints/state"))
        return len(seen) >= 4

    wait_until(is_seen_changing, "four states of the file were in S3")
    folder = settings.state / "jobs" / "training-torn" / "algo-1" / "ml" / "checkpoints"
    (folder / "enough").touch()
    end_of(recorded, wanted)
    seen.add(get(settings, bucket, "checkpoints/state"))

    assert {len(state) for state in seen} == {64 * 65536}
    assert [len(set(state)) for state in seen] == [1] * len(seen)


def test_checkpoints_come_back_on_every_host_when_a_job_goes_on(
    settings: RehearsalSettings, backend: ProcessBackend, image: Image, bucket: str
) -> None:
    put(settings, bucket, {"checkpoints-of-another/job": b"x"})
    program = image(f"""{HOST}
print(host, sorted(str(p.relative_to(checkpoints)) for p in checkpoints.rglob("*")))
if host == "algo-1":
    count = checkpoints / "count"
    count.write_text(str(int(count.read_text()) + 1 if count.exists() else 1))
    raise SystemExit(0 if count.read_text() == "2" else 9)
""")
    more = {"ResourceConfig": TWO_HOSTS, **checkpoints_in(bucket)}

    first = run(backend, training("first", program, bucket, **more))
    complete(settings, backend, training("second", program, bucket, **more))

    assert first["TrainingJobStatus"] == "Failed"
    said = lines(settings, "/aws/sagemaker/TrainingJobs", "second/").values()
    assert sorted(said) == [["algo-1 ['count']"], ["algo-2 ['count']"]]
    # What algo-2 was brought, the older state, must not go over what algo-1 wrote.
    assert get(settings, bucket, "checkpoints/count") == b"2"


def test_the_checkpoints_of_a_job_that_ends_at_once_are_all_there(
    settings: RehearsalSettings, backend: ProcessBackend, image: Image, bucket: str
) -> None:
    program = f"""{HOST}
for number in range(100):
    (checkpoints / f"{{number:03}}").write_text(str(number))
raise SystemExit(1)
"""
    run(backend, training("brief", image(program), bucket, **checkpoints_in(bucket)))

    assert len(keys(settings, bucket, "checkpoints/")) == 100


def test_checkpoints_are_read_and_written_where_the_request_says(
    settings: RehearsalSettings, backend: ProcessBackend, image: Image, bucket: str
) -> None:
    put(settings, bucket, {"kept/here/old": b"old"})
    program = """
from pathlib import Path
folder = Path("/opt/ml/state")
(folder / "new").write_text((folder / "old").read_text())
"""
    config = {"S3Uri": f"s3://{bucket}/kept/here/", "LocalPath": "/opt/ml/state"}
    complete(
        settings, backend, training("elsewhere", image(program), bucket, CheckpointConfig=config)
    )

    assert get(settings, bucket, "kept/here/new") == b"old"


def test_a_link_out_of_the_folder_is_not_followed(
    settings: RehearsalSettings, backend: ProcessBackend, image: Image, bucket: str
) -> None:
    program = f"""{HOST}
(checkpoints / "outside").symlink_to("/etc/passwd")
(checkpoints / "last").symlink_to("one")
(checkpoints / "one").write_text("1")
"""
    complete(
        settings, backend, training("linked", image(program), bucket, **checkpoints_in(bucket))
    )

    assert keys(settings, bucket, "checkpoints/") == ["checkpoints/last", "checkpoints/one"]


def test_checkpoints_that_s3_refuses_fail_the_job_at_its_end(
    settings: RehearsalSettings, backend: ProcessBackend, image: Image, bucket: str
) -> None:
    program = f"""{HOST}
(checkpoints / "one").write_text("1")
"""
    wanted = training("refused", image(program), bucket, **checkpoints_in(bucket))
    wanted["RoleArn"] = role_that_may(settings, "s3:Get*", "s3:List*", *SAGEMAKERS_OWN)
    ended = run(backend, wanted)

    assert ended["TrainingJobStatus"] == "Failed"
    assert ended["FailureReason"].startswith("ClientError: the output")
    assert keys(settings, bucket, "checkpoints/") == []


def test_tensorboard_s_logs_are_in_s3_while_the_job_runs(
    settings: RehearsalSettings, backend: ProcessBackend, image: Image, bucket: str
) -> None:
    # A file counts as written for its last quarter of a second, and is looked at every second.
    program = """
import time
from pathlib import Path
with Path("/opt/ml/output/tensorboard/events").open("w") as events:
    while True:
        events.write("x" * 100)
        events.flush()
        time.sleep(0.7)
"""
    config = {"TensorBoardOutputConfig": {"S3OutputPath": f"s3://{bucket}/logs"}}
    wanted = training("watched", image(program), bucket, **config)
    recorded = start(backend, wanted)

    key = "logs/watched/tensorboard-output/events"
    wait_until(lambda: keys(settings, bucket, "logs/") == [key], "the logs are in S3")
    early = len(get(settings, bucket, key))
    wait_until(lambda: len(get(settings, bucket, key)) > early, "they grow in S3")
    backend.stop(arn_of(wanted))
    end_of(recorded, wanted)


def test_what_a_lost_instance_had_not_copied_is_lost(
    settings: RehearsalSettings, bucket: str, tmp_path: Path
) -> None:
    folders = {host: tmp_path / host for host in ("algo-1", "algo-2")}
    for folder in folders.values():
        folder.mkdir()
    place = S3Uri(bucket, "checkpoints")
    upload = LiveUpload(folders, place, aws.client(settings, "s3"), tmp_path / "spare")
    for host, folder in folders.items():
        (folder / host).write_text("half")

    upload.finish(lost="algo-1")

    assert keys(settings, bucket, "checkpoints/") == ["checkpoints/algo-2"]
