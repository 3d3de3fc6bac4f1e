"""The executions that most of the chain's tests look into, one after the other in one rehearsal.

Each is asked for by what comes after it, so that they run in this order: `first` (the rehearsal's
own), `repeated`, `together`, `strict`, `changed`.
"""

import os
import shutil
import signal
import time
from pathlib import Path

import pytest

from infra import NODE
from scripts.images.data_sets import write_digits
from tests.chain.bad_files import bad_files
from tests.instances import process_of

REPOSITORY = Path(__file__).resolve().parents[2]
REPEATED = 898
GOOD, OF_EACH_KIND = 200, 2
LEARNING_RATE = 0.00125
FEWER_EPOCHS = ("-c", "training.epochs=8")
"""Than dev's 30: enough for the digits."""


def eventually(holds, seconds=600, pause=0.5):
    end = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(pause)
    return found


def drop(rehearsed, folder, drop_id):
    dropped = rehearsed.run("./scripts/drop", str(folder), "--id", drop_id)
    assert dropped.returncode == 0, dropped.stderr


def put(rehearsed, drop_id, files):
    """What another producer would drop; the marker is its own affair."""
    bucket = rehearsed.outputs("data")["DropsBucketName"]
    for name, content in files.items():
        key = f"drops/{drop_id}/{name}"
        rehearsed.client("s3").put_object(Bucket=bucket, Key=key, Body=content)


def digits(folder, *span):
    write_digits(folder, *span)
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.jpg")}


def start(rehearsed, **parameters):
    """Runs the pipeline by hand; the execution's id."""
    answer = rehearsed.client("sagemaker").start_pipeline_execution(
        PipelineName=rehearsed.outputs("training")["PipelineName"],
        PipelineParameters=[{"Name": name, "Value": value} for name, value in parameters.items()],
    )
    return answer["PipelineExecutionArn"]


def end_of(rehearsed, arn):
    def status():
        found = rehearsed.client("sagemaker").describe_pipeline_execution(PipelineExecutionArn=arn)
        return found["PipelineExecutionStatus"]

    eventually(lambda: status() not in ("Executing", "Stopping"))
    return status()


def package(rehearsed, arn):
    """`<group>/<version>` of the model package that an execution registered."""
    registered = rehearsed.steps(arn)["RegisterModel"]["Metadata"]["RegisterModel"]["Arn"]
    return "/".join(registered.split("/")[-2:])


def id_of(arn):
    return arn.rpartition("/")[2]


def channels(rehearsed, arn):
    return {row["key"]: row["channel"] for row in rehearsed.objects(id_of(arn))}


def kill_an_instance(rehearsed, host):
    """Waits until a host of ShardImages works on its shards, and ends the host."""
    jobs = rehearsed.folder / "aws" / "jobs"
    seen = set(jobs.glob("processing-*ShardImages*"))
    folder = eventually(
        lambda: next(iter(set(jobs.glob("processing-*ShardImages*")) - seen), None), pause=0.05
    )
    process = eventually(lambda: process_of(folder, host), pause=0.02)
    working = folder / host / "ml" / "processing" / "working"
    eventually(working.exists, pause=0.005)
    os.kill(process, signal.SIGKILL)


@pytest.fixture(scope="session")
def first(rehearsed):
    return rehearsed.executions()[0]["PipelineExecutionArn"]


@pytest.fixture(scope="session")
def repeated(rehearsed, first, tmp_path_factory):
    """A run that a second drop starts, half of the first under other names, beside one without a
    marker; it loses an instance of ShardImages on the way, and three more drops come.
    """
    folder = tmp_path_factory.mktemp("drops")
    put(rehearsed, "unmarked", digits(folder / "unmarked", REPEATED, REPEATED + 10))
    write_digits(folder / "repeated", 0, REPEATED)
    for path in (folder / "repeated").rglob("*.jpg"):
        path.rename(path.with_name(f"again-{path.name}"))
    for number, drop_id in enumerate(("fourth", "fifth")):
        write_digits(folder / drop_id, 300 + 40 * number, 340 + 40 * number)
    good = digits(folder / "good", 0, GOOD)
    drop(rehearsed, folder / "repeated", "repeated")
    kill_an_instance(rehearsed, "algo-2")
    put(rehearsed, "bad", {f"{n.rpartition('.')[0]}-new.jpg": body for n, body in good.items()})
    for kind, (content, _) in bad_files().items():
        names = [f"{n}/{kind}-{n}.jpg" for n in range(OF_EACH_KIND)]
        put(rehearsed, "bad", dict.fromkeys(names, content))
    put(rehearsed, "bad", {"_SUCCESS": b""})
    for drop_id in ("fourth", "fifth"):
        drop(rehearsed, folder / drop_id, drop_id)
    (arn,) = [each["PipelineExecutionArn"] for each in rehearsed.executions()[1:]]
    assert end_of(rehearsed, arn) == "Succeeded", rehearsed.steps(arn)
    return arn


@pytest.fixture(scope="session")
def together(rehearsed, repeated):
    """The run that follows, of three drops; of the files of `bad` 1 % are bad, of each kind."""
    watched = rehearsed.run("./scripts/watch", "--drop", "fifth")
    assert watched.returncode == 0, watched.stdout + watched.stderr
    _, _, arn = [each["PipelineExecutionArn"] for each in rehearsed.executions()]
    return arn


@pytest.fixture(scope="session")
def strict(rehearsed, together):
    """The same drops in a run that allows no bad file."""
    arn = start(rehearsed, DropId="bad", MaximumQuarantinedShare="0")
    assert end_of(rehearsed, arn) == "Failed"
    return arn


@pytest.fixture(scope="session")
def deleted(rehearsed, first):
    """An object of the first drop that has no copy in later ones."""
    return max(row["key"] for row in rehearsed.objects(id_of(first)) if row["channel"] == "train")


@pytest.fixture(scope="session")
def changed(rehearsed, strict, deleted, tmp_path_factory):
    """A run of another drop after that object was deleted and other sources were deployed: they
    train with another learning rate, on one host.
    """
    bucket = rehearsed.outputs("data")["DropsBucketName"]
    rehearsed.client("s3").delete_object(Bucket=bucket, Key=deleted)
    folder = tmp_path_factory.mktemp("changed")
    deployed = rehearsed.run(
        *(str(NODE), "node_modules/.bin/cdk", "deploy", "dev/*", "--require-approval", "never"),
        *("-c", "training.hosts=1", *FEWER_EPOCHS),
        cwd=_changed_sources(folder / "sources"),
    )
    assert deployed.returncode == 0, deployed.stdout + deployed.stderr
    count = len(rehearsed.executions())
    write_digits(folder / "more", 0, 300)
    drop(rehearsed, folder / "more", "changed")
    watched = rehearsed.run("./scripts/watch", "--drop", "changed")
    assert watched.returncode == 0, watched.stdout + watched.stderr
    (arn,) = [each["PipelineExecutionArn"] for each in rehearsed.executions()[count:]]
    return arn


def _changed_sources(copy):
    for name in ("infra", "functions", "containers"):
        shutil.copytree(REPOSITORY / name, copy / name)
    for name in ("app.py", "cdk.json", "package.json"):
        shutil.copy(REPOSITORY / name, copy / name)
    for name in (".venv", "node_modules"):
        (copy / name).symlink_to(REPOSITORY / name)
    dev = copy / "infra" / "environments" / "dev.toml"
    text = dev.read_text()
    assert text.count("[training]") == 1 and "learning_rate" not in text
    dev.write_text(text.replace("[training]", f"[training]\nlearning_rate = {LEARNING_RATE}"))
    return copy
