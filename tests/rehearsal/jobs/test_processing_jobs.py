"""Processing jobs, run for real against a MiniStack."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rehearsal.jobs.backend import ProcessBackend
from rehearsal.settings import RehearsalSettings
from tests.rehearsal.images.support import ROLE
from tests.rehearsal.jobs.support import (
    arn_of,
    complete,
    data,
    get,
    instances,
    keys,
    lines,
    processing,
    put,
    run,
)

ODD_NAMES = ["b/x y.txt", "b/#+.txt", "b/é日本.txt", "b/100%.txt", "b/a&b=c?.txt"]

SHOW = """
    import json, os, sys
    from pathlib import Path
    base = Path("/opt/ml/processing/input/data")
    paths = [path for path in base.rglob("*") if path.is_file()]
    config = json.loads(Path("/opt/ml/config/resourceconfig.json").read_text())
    host = config["current_host"]
    Path("/opt/ml/processing/output", f"{host}.json").write_text(json.dumps({
        "files": {str(path.relative_to(base)): path.read_text() for path in paths},
        "config": config,
        "arguments": sys.argv[1:],
        "environment": dict(os.environ),
        "job": json.loads(Path("/opt/ml/config/processingjobconfig.json").read_text()),
        "folder": os.getcwd(),
        "hosts": Path("/etc/hosts").read_text(),
    }))
    print("this is", host)
"""

Image = Callable[[str], str]


def shown(settings: RehearsalSettings, bucket: str, host: str = "algo-1") -> dict[str, Any]:
    value: dict[str, Any] = json.loads(get(settings, bucket, f"out/{host}.json"))
    return value


def test_a_manifest_sharded_by_key_gives_each_object_to_exactly_one_host(
    settings: RehearsalSettings, backend: ProcessBackend, image: Image, bucket: str
) -> None:
    names = [f"a/{n}.txt" for n in range(4)] + ODD_NAMES
    put(settings, bucket, {f"in/{name}": name.encode() for name in [*names, "a/not-listed"]})
    manifest = json.dumps([{"prefix": f"s3://{bucket}/in/"}, *names])
    put(settings, bucket, {"manifest.json": manifest.encode()})

    complete(
        settings,
        backend,
        processing(
            "sharded",
            image(SHOW),
            bucket,
            ProcessingResources=instances(3),
            ProcessingInputs=[
                data(f"s3://{bucket}/manifest.json", "ManifestFile", "ShardedByS3Key")
            ],
        ),
    )

    hosts = [shown(settings, bucket, f"algo-{n}") for n in (1, 2, 3)]
    found = [item for host in hosts for item in host["files"].items()]
    assert sorted(found) == sorted((name, name) for name in names)
    assert [len(host["files"]) for host in hosts] == [3, 3, 3]


def test_more_hosts_than_objects_leaves_some_hosts_an_empty_folder(
    settings: RehearsalSettings, backend: ProcessBackend, image: Image, bucket: str
) -> None:
    put(settings, bucket, {"in/only": b"only"})
    manifest = json.dumps([{"prefix": f"s3://{bucket}/in/"}, "only"])
    put(settings, bucket, {"manifest.json": manifest.encode()})

    complete(
        settings,
        backend,
        processing(
            "few",
            image(SHOW),
            bucket,
            ProcessingResources=instances(3),
            ProcessingInputs=[
                data(f"s3://{bucket}/manifest.json", "ManifestFile", "ShardedByS3Key")
            ],
        ),
    )

    found = [shown(settings, bucket, f"algo-{n}")["files"] for n in (1, 2, 3)]
    assert sorted(found, key=len) == [{}, {}, {"only": "only"}]


def test_a_replicated_prefix_gives_every_object_to_every_host(
    settings: RehearsalSettings, backend: ProcessBackend, image: Image, bucket: str
) -> None:
    put(settings, bucket, {f"in/{name}": name.encode() for name in ODD_NAMES} | {"in/empty/": b""})

    complete(
        settings,
        backend,
        processing(
            "replicated",
            image(SHOW),
            bucket,
            ProcessingResources=instances(2),
            ProcessingInputs=[data(f"s3://{bucket}/in")],
        ),
    )

    for host in ("algo-1", "algo-2"):
        assert shown(settings, bucket, host)["files"] == {name: name for name in ODD_NAMES}


def test_a_container_finds_what_sagemaker_promises(
    settings: RehearsalSettings, backend: ProcessBackend, image: Image, bucket: str
) -> None:
    put(settings, bucket, {"in/a": b"a"})
    wanted = processing(
        "promised",
        image(SHOW),
        bucket,
        ProcessingInputs=[data(f"s3://{bucket}/in/")],
        Environment={"GIVEN": "1", "FROM_IMAGE": "replaced"},
    )
    wanted["AppSpecification"]["ContainerArguments"] = ["--name", "a b"]

    complete(settings, backend, wanted)

    found = shown(settings, bucket)
    assert found["arguments"] == ["--name", "a b"]
    assert found["folder"] == "/opt/program"
    assert found["config"] == {
        "current_host": "algo-1",
        "current_instance_type": "ml.m5.large",
        "current_group_name": "homogeneousCluster",
        "hosts": ["algo-1"],
        "instance_groups": [
            {
                "instance_group_name": "homogeneousCluster",
                "instance_type": "ml.m5.large",
                "hosts": ["algo-1"],
            }
        ],
        "network_interface_name": "lo",
    }
    assert found["job"]["ProcessingJobArn"] == arn_of(wanted)
    assert found["job"]["ProcessingInputs"] == wanted["ProcessingInputs"]
    variables = found["environment"]
    assert variables["GIVEN"] == "1"
    assert variables["FROM_IMAGE"] == "replaced"
    assert variables["PROCESSING_JOB_ARN"] == arn_of(wanted)
    assert variables["AWS_ENDPOINT_URL"] == settings.endpoint_url
    assert "127.0.0.2 algo-1" in found["hosts"]


def test_nothing_of_the_engines_environment_reaches_a_container(
    settings: RehearsalSettings,
    backend: ProcessBackend,
    image: Image,
    bucket: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SECRET_OF_THE_ENGINE", "1")
    put(settings, bucket, {"in/a": b"a"})

    complete(
        settings,
        backend,
        processing("clean", image(SHOW), bucket, ProcessingInputs=[data(f"s3://{bucket}/in/")]),
    )

    found = shown(settings, bucket)["environment"]
    assert "SECRET_OF_THE_ENGINE" not in found
    assert "AWS_ACCESS_KEY_ID" not in found
    assert "PYTHONPATH" not in found


def test_each_host_writes_its_lines_to_a_stream_of_its_own(
    settings: RehearsalSettings, backend: ProcessBackend, image: Image, bucket: str
) -> None:
    put(settings, bucket, {"in/a": b"a"})

    complete(
        settings,
        backend,
        processing(
            "spoken",
            image(SHOW),
            bucket,
            ProcessingResources=instances(2),
            ProcessingInputs=[data(f"s3://{bucket}/in/")],
        ),
    )

    streams = lines(settings, "/aws/sagemaker/ProcessingJobs", "spoken/")
    assert sorted(name.rpartition("-")[0] for name in streams) == ["spoken/algo-1", "spoken/algo-2"]
    assert sorted(streams.values()) == [["this is algo-1"], ["this is algo-2"]]


def test_an_isolated_job_has_no_way_to_s3_and_no_credentials(
    settings: RehearsalSettings, backend: ProcessBackend, image: Image, bucket: str
) -> None:
    program = f"""
        import json, os, socket
        from pathlib import Path
        try:
            socket.create_connection(("127.0.0.1", {settings.port}), 5)
            reached = True
        except OSError:
            reached = False
        names = [name for name in os.environ if name.startswith("AWS_")]
        listening = socket.create_server(("127.0.0.2", 0))
        shown = json.dumps([reached, sorted(names)])
        Path("/opt/ml/processing/output/algo-1.json").write_text(shown)
    """
    for name, isolated in (("open", False), ("isolated", True)):
        complete(
            settings,
            backend,
            processing(
                name, image(program), bucket, NetworkConfig={"EnableNetworkIsolation": isolated}
            ),
        )
        reached, variables = json.loads(get(settings, bucket, "out/algo-1.json"))
        assert reached is not isolated
        assert ("AWS_CONTAINER_AUTHORIZATION_TOKEN" in variables) is not isolated


def test_a_host_that_fails_ends_the_job_and_nothing_is_uploaded(
    settings: RehearsalSettings, backend: ProcessBackend, image: Image, bucket: str
) -> None:
    program = """
        import json, sys, time
        from pathlib import Path
        host = json.loads(Path("/opt/ml/config/resourceconfig.json").read_text())["current_host"]
        Path("/opt/ml/processing/output/half").write_text("half")
        if host == "algo-2":
            Path("/opt/ml/output").mkdir(exist_ok=True)
            Path("/opt/ml/output/message").write_text("the second host has had enough")
            sys.exit(3)
        time.sleep(600)
    """
    ended = run(
        backend,
        processing("failing", image(program), bucket, ProcessingResources=instances(2)),
    )

    assert ended["ProcessingJobStatus"] == "Failed"
    assert ended["FailureReason"].startswith("AlgorithmError: ")
    assert ended["FailureReason"].endswith("exit code: 3")
    assert ended["ExitMessage"] == "the second host has had enough"
    assert keys(settings, bucket, "out") == []


def test_hosts_do_not_see_each_others_files(
    settings: RehearsalSettings, backend: ProcessBackend, image: Image, bucket: str
) -> None:
    program = """
        import json, time
        from pathlib import Path
        host = json.loads(Path("/opt/ml/config/resourceconfig.json").read_text())["current_host"]
        folders = [Path(name) for name in ("/tmp", "/opt/ml", "/dev/shm")]
        for folder in folders:
            (folder / host).touch()
        time.sleep(0.5)
        seen = sorted(str(path) for folder in folders for path in folder.glob("algo-*"))
        Path("/opt/ml/processing/output", host).write_text(json.dumps(seen))
    """
    complete(
        settings,
        backend,
        processing("apart", image(program), bucket, ProcessingResources=instances(2)),
    )

    seen = json.loads(get(settings, bucket, "out/algo-1"))
    assert seen == ["/dev/shm/algo-1", "/opt/ml/algo-1", "/tmp/algo-1"]


def test_a_container_can_not_write_to_this_machine(
    settings: RehearsalSettings, backend: ProcessBackend, image: Image, bucket: str
) -> None:
    program = f"""
        from pathlib import Path
        for folder in ("/opt/program", "/etc", "/var", {str(Path(__file__).parent)!r}):
            try:
                Path(folder, "written-by-a-container").touch()
            except OSError:
                continue
            raise SystemExit(f"wrote to {{folder}}")
    """
    complete(settings, backend, processing("tame", image(program), bucket))


BAD_INPUTS = {
    "nothing there": ("in/none/", "S3Prefix", b"", "No S3 objects found under S3 URL"),
    "no manifest": ("missing.json", "ManifestFile", None, "can't be read"),
    "no json": ("m.json", "ManifestFile", b"{", "is no JSON"),
    "no prefix": ("m.json", "ManifestFile", b'["a"]', "starts with"),
    "no string": ("m.json", "ManifestFile", b'[{"prefix": "s3://x/"}, 1]', "a relative key"),
    "twice": ("m.json", "ManifestFile", b'[{"prefix": "s3://x/"}, "a", "a"]', "twice"),
    "up": ("m.json", "ManifestFile", b'[{"prefix": "s3://x/"}, "../a"]', "'..'"),
    "augmented": ("m.json", "AugmentedManifestFile", b"{}", "AugmentedManifestFile"),
}


@pytest.mark.parametrize("case", BAD_INPUTS.values(), ids=BAD_INPUTS)
def test_an_input_that_can_not_be_had_fails_the_job_with_a_sentence(
    settings: RehearsalSettings,
    backend: ProcessBackend,
    image: Image,
    bucket: str,
    case: tuple[str, str, bytes | None, str],
) -> None:
    key, data_type, body, sentence = case
    if body is not None:
        put(settings, bucket, {key: body})

    ended = run(
        backend,
        processing(
            "bad", image(SHOW), bucket, ProcessingInputs=[data(f"s3://{bucket}/{key}", data_type)]
        ),
    )

    assert ended["ProcessingJobStatus"] == "Failed"
    assert sentence in ended["FailureReason"]


def test_an_object_that_a_manifest_names_and_s3_lacks_is_named_in_the_failure(
    settings: RehearsalSettings, backend: ProcessBackend, image: Image, bucket: str
) -> None:
    manifest = json.dumps([{"prefix": f"s3://{bucket}/in/"}, "gone.txt"])
    put(settings, bucket, {"manifest.json": manifest.encode()})

    ended = run(
        backend,
        processing(
            "gone",
            image(SHOW),
            bucket,
            ProcessingInputs=[data(f"s3://{bucket}/manifest.json", "ManifestFile")],
        ),
    )

    assert f"s3://{bucket}/in/gone.txt is not there" in ended["FailureReason"]


def test_a_role_that_is_not_there_fails_the_job_with_a_sentence(
    backend: ProcessBackend, image: Image, bucket: str
) -> None:
    ended = run(backend, processing("roleless", image(SHOW), bucket, RoleArn=ROLE + "-none"))

    assert ended["ProcessingJobStatus"] == "Failed"
    assert "can't be assumed" in ended["FailureReason"]


def test_a_command_that_is_not_in_the_image_fails_as_in_docker(
    settings: RehearsalSettings, backend: ProcessBackend, image: Image, bucket: str
) -> None:
    wanted = processing("commandless", image(SHOW), bucket)
    wanted["AppSpecification"]["ContainerEntrypoint"] = ["no-such-program"]

    ended = run(backend, wanted)

    assert ended["FailureReason"].endswith("exit code: 127")
    (said,) = lines(settings, "/aws/sagemaker/ProcessingJobs", "commandless/").values()
    assert "no-such-program" in said[0]


def test_a_link_out_of_an_output_is_not_followed(
    settings: RehearsalSettings, backend: ProcessBackend, image: Image, bucket: str
) -> None:
    program = """
        from pathlib import Path
        Path("/opt/ml/processing/output/passwords").symlink_to("/etc/passwd")
    """
    ended = run(backend, processing("linking", image(program), bucket))

    assert ended["ProcessingJobStatus"] == "Failed"
    assert "leads out of its folder, passwords" in ended["FailureReason"]
