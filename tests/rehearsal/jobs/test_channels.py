"""How the channels of a training job reach its hosts: by input mode and distribution."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from rehearsal import aws
from rehearsal.jobs import transfer
from rehearsal.jobs.backend import ProcessBackend
from rehearsal.jobs.failure import JobFailure
from rehearsal.jobs.inputs import Object
from rehearsal.s3_uri import S3Uri
from rehearsal.settings import RehearsalSettings
from tests.rehearsal.conftest import Server
from tests.rehearsal.images.support import make_account, push_image
from tests.rehearsal.jobs.support import complete, get, put, run, training
from tests.rehearsal.jobs.test_training_jobs import hosts, unpacked

Image = Callable[[str], str]

LOOK = """
    import json, os
    from pathlib import Path

    def outcome(attempt):
        try:
            attempt()
        except OSError as error:
            return os.strerror(error.errno)
        return "done"

    config, data = Path("/opt/ml/input/config"), Path("/opt/ml/input/data")
    host = json.loads((config / "resourceconfig.json").read_text())["current_host"]
    found = {"channels": json.loads((config / "inputdataconfig.json").read_text()), "files": {}}
    for folder in sorted(data.iterdir()):
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        found["files"][folder.name] = {
            str(path.relative_to(folder)): [path.stat().st_ino, path.read_text()] for path in files
        }
        first = files[0] if files else None
        found[folder.name] = {
            "add": outcome(lambda: (folder / "new").write_text("x")),
            "write": first and outcome(lambda: first.open("r+b")),
            "replace": first and outcome(lambda: first.write_text("spoilt")),
            "rename": first and outcome(lambda: first.rename(folder / "other")),
            "chmod": first and outcome(lambda: first.chmod(0o666)),
            "remove": first and outcome(first.unlink),
        }
    Path("/opt/ml/output/data", host).write_text(json.dumps(found))
"""


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RehearsalSettings]:
    """Those of a whole server, whose S3 keeps its objects on disk."""
    server = Server(tmp_path_factory.mktemp("server"), enforce_iam=True).start()
    settings = RehearsalSettings(server.state / "tests", server.state / "cache", server.port)
    make_account(settings)
    yield settings
    server.end()


@pytest.fixture(scope="module")
def program(settings: RehearsalSettings, tmp_path_factory: pytest.TempPathFactory) -> str:
    return push_image(settings, tmp_path_factory.mktemp("image") / "context", LOOK)


_numbers = itertools.count(1)


def channel(bucket: str, distribution: str = "FullyReplicated", **more: str) -> dict[str, Any]:
    source = {
        "S3DataType": "S3Prefix",
        "S3Uri": f"s3://{bucket}/train/",
        "S3DataDistributionType": distribution,
    }
    return {"ChannelName": "train", "DataSource": {"S3DataSource": source}} | more


def job(program: str, bucket: str, mode: str, *channels: Any, count: int = 1) -> dict[str, Any]:
    wanted = training(
        f"channels-{next(_numbers)}",
        program,
        bucket,
        InputDataConfig=list(channels),
        ResourceConfig=hosts(count),
    )
    wanted["AlgorithmSpecification"]["TrainingInputMode"] = mode
    return wanted


def found(
    settings: RehearsalSettings, backend: ProcessBackend, wanted: dict[str, Any], bucket: str
) -> list[dict[str, Any]]:
    """What each host found, in order."""
    complete(settings, backend, wanted)
    results = unpacked(
        get(settings, bucket, f"models/{wanted['TrainingJobName']}/output/output.tar.gz")
    )
    return [json.loads(results[host]) for host in sorted(results)]


def stored_inodes(settings: RehearsalSettings, bucket: str) -> set[int]:
    folder = settings.state.parent / "ministack" / "s3" / settings.account / bucket / "train"
    return {path.stat().st_ino for path in folder.rglob("*") if not path.match("*.meta.json")}


@pytest.mark.parametrize("mode", ["File", "FastFile"])
@pytest.mark.parametrize("count", [1, 2, 4])
def test_each_object_is_on_one_host_and_one_without_a_share_has_an_empty_folder(
    settings: RehearsalSettings,
    backend: ProcessBackend,
    program: str,
    bucket: str,
    mode: str,
    count: int,
) -> None:
    put(settings, bucket, {f"train/{n}/of three.txt": str(n).encode() for n in range(3)})
    wanted = job(program, bucket, mode, channel(bucket, "ShardedByS3Key"), count=count)

    shares = [host["files"]["train"] for host in found(settings, backend, wanted, bucket)]

    assert [len(share) for share in shares] == {1: [3], 2: [2, 1], 4: [1, 1, 1, 0]}[count]
    read = {path: text for share in shares for path, (_, text) in share.items()}
    assert read == {f"{n}/of three.txt": str(n) for n in range(3)}


@pytest.mark.parametrize(("mode", "is_stored_file"), [("File", False), ("FastFile", True)])
def test_a_channel_that_is_streamed_is_s3s_own_files_on_every_host(
    settings: RehearsalSettings,
    backend: ProcessBackend,
    program: str,
    bucket: str,
    mode: str,
    is_stored_file: bool,
) -> None:
    bodies = {"a b+c": b"1", "x/y/ü.txt": b"2", "x/100%25": b"3", "x/z.meta.json": b"4"}
    put(settings, bucket, {f"train/{key}": body for key, body in bodies.items()})
    wanted = job(program, bucket, mode, channel(bucket), count=2)

    for host in found(settings, backend, wanted, bucket):
        files = host["files"]["train"]
        assert {path: text.encode() for path, (_, text) in files.items()} == bodies
        inodes = {files[path][0] for path in bodies if not path.endswith(".meta.json")}
        assert (inodes <= stored_inodes(settings, bucket)) is is_stored_file


def test_no_job_changes_an_object_that_is_streamed_to_it(
    settings: RehearsalSettings, backend: ProcessBackend, program: str, bucket: str
) -> None:
    put(settings, bucket, {"train/a": b"as it was"})

    [host] = found(settings, backend, job(program, bucket, "FastFile", channel(bucket)), bucket)

    assert set(host["train"].values()) == {"Read-only file system"}
    assert get(settings, bucket, "train/a") == b"as it was"
    [host] = found(settings, backend, job(program, bucket, "File", channel(bucket)), bucket)
    assert host["train"]["replace"] == "done"
    assert get(settings, bucket, "train/a") == b"as it was"


def test_a_channels_own_input_mode_goes_before_the_jobs(
    settings: RehearsalSettings, backend: ProcessBackend, program: str, bucket: str
) -> None:
    put(settings, bucket, {"train/a": b"x"})
    copied = channel(bucket, InputMode="File") | {"ChannelName": "copied"}
    wanted = job(program, bucket, "FastFile", channel(bucket, "ShardedByS3Key"), copied)

    [host] = found(settings, backend, wanted, bucket)

    modes = {name: each["TrainingInputMode"] for name, each in host["channels"].items()}
    assert modes == {"train": "FastFile", "copied": "File"}
    assert host["channels"]["train"]["S3DistributionType"] == "ShardedByS3Key"
    assert host["train"]["write"] == "Read-only file system"
    assert host["copied"]["write"] == "done"


def test_a_manifests_objects_are_streamed_as_those_of_a_prefix_are(
    settings: RehearsalSettings, backend: ProcessBackend, program: str, bucket: str
) -> None:
    manifest = json.dumps([{"prefix": f"s3://{bucket}/train/"}, "b", "deep/c"]).encode()
    put(settings, bucket, {"train/a": b"1", "train/b": b"2", "train/deep/c": b"3", "m": manifest})
    wanted = channel(bucket)
    wanted["DataSource"]["S3DataSource"] |= {
        "S3DataType": "ManifestFile",
        "S3Uri": f"s3://{bucket}/m",
    }

    [host] = found(settings, backend, job(program, bucket, "FastFile", wanted), bucket)

    assert {path: text for path, (_, text) in host["files"]["train"].items()} == {
        "b": "2",
        "deep/c": "3",
    }


def listed(settings: RehearsalSettings, bucket: str, key: str) -> Object:
    etag = aws.client(settings, "s3").head_object(Bucket=bucket, Key=key)["ETag"]
    return Object(S3Uri(bucket, key), PurePosixPath("a"), etag)


def link(settings: RehearsalSettings, folder: Path, wanted: Object) -> None:
    s3 = aws.client(settings, "s3")
    transfer.link([(folder, [wanted])], s3, threading.Event(), "train")


def test_an_object_that_was_written_anew_or_deleted_since_it_was_listed_is_not_linked(
    settings: RehearsalSettings, bucket: str, tmp_path: Path
) -> None:
    put(settings, bucket, {"train/a": b"first"})
    wanted = listed(settings, bucket, "train/a")
    put(settings, bucket, {"train/a": b"second"})
    with pytest.raises(JobFailure, match="train/a was changed while the job read it"):
        link(settings, tmp_path / "changed", wanted)

    aws.client(settings, "s3").delete_object(Bucket=bucket, Key="train/a")
    with pytest.raises(JobFailure, match=r"train/a is not there \(any more\)"):
        link(settings, tmp_path / "gone", wanted)


def test_an_object_that_is_written_anew_stays_for_a_job_what_it_was_at_its_start(
    settings: RehearsalSettings, bucket: str
) -> None:
    put(settings, bucket, {"train/a": b"first"})
    folder = settings.state / "beside" / bucket
    link(settings, folder, listed(settings, bucket, "train/a"))
    put(settings, bucket, {"train/a": b"second"})

    assert (folder / "a").read_bytes() == b"first"
    assert get(settings, bucket, "train/a") == b"second"


def test_a_job_streams_nothing_that_its_role_may_not_read(
    settings: RehearsalSettings, backend: ProcessBackend, program: str, bucket: str
) -> None:
    put(settings, bucket, {"train/a": b"x"})
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Deny",
                "Action": "s3:GetObject",
                "Resource": f"arn:aws:s3:::{bucket}/train/*",
            }
        ],
    }
    iam = aws.client(settings, "iam")
    iam.put_role_policy(RoleName="job", PolicyName="deny", PolicyDocument=json.dumps(policy))
    try:
        ended = run(backend, job(program, bucket, "FastFile", channel(bucket)))
    finally:
        iam.delete_role_policy(RoleName="job", PolicyName="deny")

    assert ended["TrainingJobStatus"] == "Failed"
    assert f"the object s3://{bucket}/train/a can't be read" in ended["FailureReason"]
