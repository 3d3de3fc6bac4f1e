"""Training jobs, run for real against a MiniStack."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable

from rehearsal import aws
from rehearsal.jobs.backend import ProcessBackend
from rehearsal.settings import RehearsalSettings
from tests.rehearsal.images.support import Recorded
from tests.rehearsal.jobs.support import (
    arn_of,
    complete,
    end_of,
    get,
    keys,
    lines,
    put,
    run,
    start,
    training,
)

Image = Callable[[str], str]

TRAIN = """
    import json, os, sys
    from pathlib import Path
    config = Path("/opt/ml/input/config")
    host = json.loads((config / "resourceconfig.json").read_text())["current_host"]
    channels = Path("/opt/ml/input/data")
    if host == "algo-1":
        Path("/opt/ml/model/weights").write_text("1 2 3")
    Path("/opt/ml/output/data", host).write_text(json.dumps({
        "arguments": sys.argv[1:],
        "hyperparameters": json.loads((config / "hyperparameters.json").read_text()),
        "channels": json.loads((config / "inputdataconfig.json").read_text()),
        "files": sorted(str(path.relative_to(channels)) for path in channels.rglob("*.txt")),
        "job": os.environ["TRAINING_JOB_ARN"],
    }))
    for epoch in range(3):
        print(f"epoch {epoch}: loss={1 / (epoch + 1):.2f};")
"""


def channel(name: str, uri: str, distribution: str) -> dict[str, object]:
    return {
        "ChannelName": name,
        "DataSource": {
            "S3DataSource": {
                "S3DataType": "S3Prefix",
                "S3Uri": uri,
                "S3DataDistributionType": distribution,
            }
        },
    }


def hosts(count: int) -> dict[str, object]:
    return {"InstanceCount": count, "InstanceType": "ml.c5.xlarge", "VolumeSizeInGB": 1}


def unpacked(body: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(body), mode="r:gz") as tar:
        return {
            entry.name: file.read()
            for entry in tar.getmembers()
            if (file := tar.extractfile(entry))
        }


def test_two_hosts_train_on_their_channels_and_leave_one_model(
    settings: RehearsalSettings, backend: ProcessBackend, image: Image, bucket: str
) -> None:
    put(settings, bucket, {f"train/{n}.txt": b"x" for n in range(4)} | {"labels/l.txt": b"x"})
    wanted = training(
        "trained",
        image(TRAIN),
        bucket,
        HyperParameters={"epochs": "3", "name": "a b"},
        InputDataConfig=[
            channel("train", f"s3://{bucket}/train/", "ShardedByS3Key"),
            channel("labels", f"s3://{bucket}/labels/", "FullyReplicated"),
        ],
        ResourceConfig=hosts(2),
    )

    ended = complete(settings, backend, wanted)

    place = f"s3://{bucket}/models/trained/output/model.tar.gz"
    assert ended["ModelArtifacts"] == {"S3ModelArtifacts": place}
    assert unpacked(get(settings, bucket, "models/trained/output/model.tar.gz")) == {
        "weights": b"1 2 3"
    }
    results = unpacked(get(settings, bucket, "models/trained/output/output.tar.gz"))
    first, second = (json.loads(results[name]) for name in ("algo-1", "algo-2"))
    assert first["arguments"] == ["train"]
    assert first["hyperparameters"] == {"epochs": "3", "name": "a b"}
    assert first["job"] == arn_of(wanted)
    assert first["channels"]["train"]["S3DistributionType"] == "ShardedByS3Key"
    read = first["files"] + second["files"]
    assert sorted(read) == ["labels/l.txt", "labels/l.txt", *(f"train/{n}.txt" for n in range(4))]


def test_a_training_job_goes_through_sagemakers_secondary_statuses(
    backend: ProcessBackend, image: Image, bucket: str
) -> None:
    wanted = training("stepwise", image(TRAIN), bucket)
    recorded = start(backend, wanted)
    end_of(recorded, wanted)

    statuses = [c["SecondaryStatus"] for c in recorded.changes if "SecondaryStatus" in c]
    assert statuses == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    assert recorded.fields["TrainingStartTime"] < recorded.fields["TrainingEndTime"]


def test_the_same_model_packs_to_the_same_bytes(
    settings: RehearsalSettings, backend: ProcessBackend, image: Image, bucket: str
) -> None:
    program = image(TRAIN)
    for name in ("once", "twice"):
        complete(settings, backend, training(name, program, bucket))

    once, twice = (
        get(settings, bucket, f"models/{name}/output/model.tar.gz") for name in ("once", "twice")
    )
    assert once == twice


def test_metrics_are_read_from_the_log_and_sent_to_cloudwatch(
    settings: RehearsalSettings, backend: ProcessBackend, image: Image, bucket: str
) -> None:
    wanted = training("measured", image(TRAIN), bucket)
    wanted["AlgorithmSpecification"]["MetricDefinitions"] = [
        {"Name": "loss", "Regex": "loss=([0-9.]+);"},
        {"Name": "absent", "Regex": "never=([0-9.]+)"},
    ]

    ended = complete(settings, backend, wanted)

    (metric,) = ended["FinalMetricDataList"]
    assert (metric["MetricName"], metric["Value"]) == ("loss", 0.33)
    listed = aws.client(settings, "cloudwatch").list_metrics(
        Namespace="/aws/sagemaker/TrainingJobs"
    )
    names = {(m["MetricName"], m["Dimensions"][0]["Value"]) for m in listed["Metrics"]}
    assert ("loss", "measured") in names


def test_what_the_failing_host_wrote_to_the_failure_file_is_the_reason(
    settings: RehearsalSettings, backend: ProcessBackend, image: Image, bucket: str
) -> None:
    program = """
        import json, sys, time
        from pathlib import Path
        config = json.loads(Path("/opt/ml/input/config/resourceconfig.json").read_text())
        Path("/opt/ml/model/half").write_text("half")
        if config["current_host"] == "algo-2":
            Path("/opt/ml/output/failure").write_text("the data has only one class")
            sys.exit(1)
        time.sleep(600)
    """
    ended = run(backend, training("hopeless", image(program), bucket, ResourceConfig=hosts(2)))

    assert ended["TrainingJobStatus"] == "Failed"
    assert ended["SecondaryStatus"] == "Failed"
    assert ended["FailureReason"] == "AlgorithmError: the data has only one class, exit code: 1"
    assert keys(settings, bucket, "models/") == []


def test_hosts_of_a_training_job_reach_each_other_by_name(
    settings: RehearsalSettings, backend: ProcessBackend, image: Image, bucket: str
) -> None:
    program = """
        import json, socket, time
        from pathlib import Path
        config = json.loads(Path("/opt/ml/input/config/resourceconfig.json").read_text())
        assert socket.gethostname() == config["current_host"]
        if config["current_host"] == "algo-1":
            with socket.create_server(("algo-1", 7777)) as server:
                connection, _ = server.accept()
                print("heard", connection.recv(100).decode())
        else:
            for _ in range(100):
                try:
                    socket.create_connection(("algo-1", 7777)).sendall(b"algo-2")
                    break
                except OSError:
                    time.sleep(0.05)
    """
    complete(
        settings, backend, training("talking", image(program), bucket, ResourceConfig=hosts(2))
    )

    streams = lines(settings, "/aws/sagemaker/TrainingJobs", "talking/")
    assert ["heard algo-2"] in streams.values()


def test_a_channel_of_an_unknown_kind_fails_the_job_with_a_sentence(
    backend: ProcessBackend, image: Image, bucket: str
) -> None:
    file_system = {"FileSystemDataSource": {"FileSystemId": "fs-1", "DirectoryPath": "/train"}}
    channel = {"ChannelName": "train", "DataSource": file_system}

    ended = run(backend, training("filed", image(TRAIN), bucket, InputDataConfig=[channel]))

    assert ended["TrainingJobStatus"] == "Failed"
    assert "the channel train has no S3DataSource" in ended["FailureReason"]


def test_a_streamed_channel_of_an_s3_that_keeps_no_files_fails_the_job_with_a_sentence(
    settings: RehearsalSettings, backend: ProcessBackend, image: Image, bucket: str
) -> None:
    put(settings, bucket, {"train/1.txt": b"x"})
    channels = [channel("train", f"s3://{bucket}/train/", "FullyReplicated")]
    wanted = training("streamed", image(TRAIN), bucket, InputDataConfig=channels)
    wanted["AlgorithmSpecification"]["TrainingInputMode"] = "FastFile"

    ended = run(backend, wanted)

    assert ended["TrainingJobStatus"] == "Failed"
    assert "does not tell where it keeps" in ended["FailureReason"]


def test_a_job_whose_arn_is_in_lower_case_writes_by_its_own_name(
    settings: RehearsalSettings, backend: ProcessBackend, image: Image, bucket: str
) -> None:
    program = """
        print("hello", flush=True)
        open("/opt/ml/model/weights", "w").write("1")
    """
    wanted, recorded = training("Own-Name", image(program), bucket), Recorded([])
    backend.start_training_job(wanted, arn_of(wanted).lower(), recorded)

    ended = end_of(recorded, wanted)

    place = f"s3://{bucket}/models/Own-Name/output/model.tar.gz"
    assert ended["ModelArtifacts"]["S3ModelArtifacts"] == place
    said = lines(settings, "/aws/sagemaker/TrainingJobs", "Own-Name/")
    assert list(said.values()) == [["hello"]]
