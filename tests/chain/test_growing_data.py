"""Drops that repeat, lack their marker or hold bad files; an instance that is lost; deletions."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter

import pytest

from scripts.images.data_sets import write_digits
from tests.chain.bad_files import bad_files
from tests.instances import process_of

pytestmark = pytest.mark.chain

CHANNELS = ("train", "validation", "test")
REPEATED = 898
GOOD, OF_EACH_KIND = 200, 2


def _eventually(holds, seconds=600, pause=0.5):
    end = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(pause)
    return found


def _drop(rehearsed, folder, drop_id):
    dropped = rehearsed.run("./scripts/drop", str(folder), "--id", drop_id)
    assert dropped.returncode == 0, dropped.stderr


def _put(rehearsed, drop_id, files):
    """What another producer would drop; the marker is its own affair."""
    bucket = rehearsed.outputs("data")["DropsBucketName"]
    for name, content in files.items():
        key = f"drops/{drop_id}/{name}"
        rehearsed.client("s3").put_object(Bucket=bucket, Key=key, Body=content)


def _digits(folder, *span):
    write_digits(folder, *span)
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.jpg")}


def _start(rehearsed, **parameters):
    """Runs the pipeline by hand; the execution's id."""
    answer = rehearsed.client("sagemaker").start_pipeline_execution(
        PipelineName=rehearsed.outputs("training")["PipelineName"],
        PipelineParameters=[{"Name": name, "Value": value} for name, value in parameters.items()],
    )
    return answer["PipelineExecutionArn"]


def _end(rehearsed, arn):
    def status():
        found = rehearsed.client("sagemaker").describe_pipeline_execution(PipelineExecutionArn=arn)
        return found["PipelineExecutionStatus"]

    _eventually(lambda: status() not in ("Executing", "Stopping"))
    return status()


def _package(rehearsed, arn):
    """`<group>/<version>` of the model package that an execution registered."""
    registered = rehearsed.steps(arn)["RegisterModel"]["Metadata"]["RegisterModel"]["Arn"]
    return "/".join(registered.split("/")[-2:])


def _id(arn):
    return arn.rpartition("/")[2]


def _channels(rehearsed, arn):
    return {row["key"]: row["channel"] for row in rehearsed.objects(_id(arn))}


def _kill_an_instance(rehearsed, host):
    """Waits until a host of ShardImages works on its shards, and ends the host."""
    jobs = rehearsed.folder / "aws" / "jobs"
    seen = set(jobs.glob("processing-*ShardImages*"))
    folder = _eventually(
        lambda: next(iter(set(jobs.glob("processing-*ShardImages*")) - seen), None), pause=0.05
    )
    process = _eventually(lambda: process_of(folder, host), pause=0.02)
    working = folder / host / "ml" / "processing" / "working"
    _eventually(working.exists, pause=0.005)
    os.kill(process, signal.SIGKILL)


@pytest.fixture(scope="module")
def first(rehearsed):
    return rehearsed.executions()[0]["PipelineExecutionArn"]


@pytest.fixture(scope="module")
def repeated(rehearsed, tmp_path_factory):
    """A run that a second drop starts, half of the first under other names, beside a third one
    without a marker; it loses an instance of ShardImages on the way.
    """
    folder = tmp_path_factory.mktemp("drops")
    _put(rehearsed, "unmarked", _digits(folder / "unmarked", REPEATED, REPEATED + 10))
    write_digits(folder / "repeated", 0, REPEATED)
    for path in (folder / "repeated").rglob("*.jpg"):
        path.rename(path.with_name(f"again-{path.name}"))
    count = len(rehearsed.executions())
    _drop(rehearsed, folder / "repeated", "repeated")
    _kill_an_instance(rehearsed, "algo-2")
    arn = _eventually(lambda: rehearsed.executions()[count:])[0]["PipelineExecutionArn"]
    assert _end(rehearsed, arn) == "Succeeded", rehearsed.steps(arn)
    return arn


@pytest.fixture(scope="module")
def bad(rehearsed, repeated, tmp_path_factory):
    """A run that a drop starts of which 1 % of the files are bad, of each kind."""
    good = _digits(tmp_path_factory.mktemp("bad"), 0, GOOD)
    _put(rehearsed, "bad", {f"{n.rpartition('.')[0]}-new.jpg": body for n, body in good.items()})
    for kind, (content, _) in bad_files().items():
        names = [f"{n}/{kind}-{n}.jpg" for n in range(OF_EACH_KIND)]
        _put(rehearsed, "bad", dict.fromkeys(names, content))
    count = len(rehearsed.executions())
    _put(rehearsed, "bad", {"_SUCCESS": b""})
    arn = _eventually(lambda: rehearsed.executions()[count:])[0]["PipelineExecutionArn"]
    assert _end(rehearsed, arn) == "Succeeded", rehearsed.steps(arn)
    return arn


@pytest.fixture(scope="module")
def users(first, repeated, bad):
    """The runs whose models used all of the first drop."""
    return first, repeated, bad


@pytest.fixture(scope="module")
def strict(rehearsed, bad):
    """The same drop in a run that allows no bad file."""
    arn = _start(rehearsed, DropId="bad", MaximumQuarantinedShare="0")
    assert _end(rehearsed, arn) == "Failed"
    return arn


@pytest.fixture(scope="module")
def deleted(rehearsed, first):
    """An object of the first drop that has no copy in later ones."""
    return max(row["key"] for row in rehearsed.objects(_id(first)) if row["channel"] == "train")


@pytest.fixture(scope="module")
def fewer(rehearsed, strict, deleted):
    """A run after an object was deleted."""
    bucket = rehearsed.outputs("data")["DropsBucketName"]
    rehearsed.client("s3").delete_object(Bucket=bucket, Key=deleted)
    arn = _start(
        rehearsed, DropId="bad", Epochs="1", AccuracyThreshold="0", MaximumAccuracyLoss="1"
    )
    assert _end(rehearsed, arn) == "Succeeded", rehearsed.steps(arn)
    return arn


def test_what_a_run_assigned_keeps_its_channel_as_data_grows(rehearsed, first, repeated):
    before, after = _channels(rehearsed, first), _channels(rehearsed, repeated)
    assert len(before) == 1797
    assert {key: after[key] for key in before} == before


def test_a_copy_under_another_name_is_in_the_channel_of_the_original(rehearsed, repeated):
    channels = _channels(rehearsed, repeated)
    copies = [key for key in channels if key.startswith("drops/repeated/")]
    assert len(copies) == REPEATED
    for key in copies:
        original = key.replace("/repeated/", "/first/").replace("/again-", "/")
        assert channels[key] == channels[original]


def test_a_drop_without_its_marker_is_named_and_not_counted(rehearsed, repeated):
    dataset = rehearsed.dataset(_id(repeated))
    assert dataset["incomplete_drops"] == ["unmarked"]
    assert [drop["id"] for drop in dataset["included_drops"]] == ["first", "repeated"]
    assert not [key for key in _channels(rehearsed, repeated) if "/unmarked/" in key]


def test_a_run_tells_its_copies_and_what_changed(rehearsed, first, repeated):
    dataset = rehearsed.dataset(_id(repeated))
    assert dataset["earlier_execution_ids"] == [_id(first)]
    assert dataset["duplicates"]["contents"] >= REPEATED - 10
    changes = dataset["changes"]
    assert (changes["objects_added"], changes["objects_removed"]) == (REPEATED, 0)
    assert changes["contents_added"] == 0


def test_a_lost_instance_is_tried_again_and_each_record_is_there_once(rehearsed, repeated):
    step = rehearsed.steps(repeated)["ShardImages"]
    assert (step["StepStatus"], step["AttemptCount"]) == ("Succeeded", 2)
    rows = rehearsed.objects(_id(repeated))
    for channel in CHANNELS:
        shards = rehearsed.shards(_id(repeated), channel)
        assert len(shards) == 2
        assert Counter(key for keys in shards.values() for key in keys) == Counter(
            row["key"].removeprefix("drops/") for row in rows if row["channel"] == channel
        )


def test_each_bad_file_is_quarantined_with_its_reason_and_has_no_record(rehearsed, bad):
    named = {line["key"]: line["reason"] for line in rehearsed.quarantine(_id(bad))}
    expected = {
        f"bad/{n}/{kind}-{n}.jpg": reason
        for kind, (_, reason) in bad_files().items()
        for n in range(OF_EACH_KIND)
    }
    assert set(named) == set(expected)
    assert {key: said for key, said in named.items() if expected[key] not in said} == {}
    records = {
        key
        for channel in CHANNELS
        for keys in rehearsed.shards(_id(bad), channel).values()
        for key in keys
    }
    entries = {key.removeprefix("drops/") for key in _channels(rehearsed, bad)}
    assert records == entries - set(expected)


def test_more_bad_files_than_allowed_end_the_run_with_what_was_wrong(rehearsed, strict):
    step = rehearsed.steps(strict)["ShardImages"]
    assert (step["StepStatus"], step["AttemptCount"]) == ("Failed", 1)
    assert "MaximumQuarantinedShare" in rehearsed.job(step)["ExitMessage"]
    watched = rehearsed.run("./scripts/watch", "--execution", strict, "--once")
    assert "cannot be used, more than the share 0" in " ".join(watched.stdout.split())
    assert "--retry" not in watched.stderr


def test_a_failed_run_has_a_report_as_far_as_it_came(rehearsed, strict, tmp_path):
    page = tmp_path / "report.html"
    ended = rehearsed.run("./scripts/report", strict, "-o", str(page))
    assert ended.returncode == 0, ended.stderr
    told = page.read_text()
    assert "ShardImages failed: the container failed: " in told
    assert "cannot be used, more than the share 0" in told
    assert f"{rehearsed.dataset(_id(strict))['contents']} different contents" in told
    for step in ("TrainModel", "EvaluateModel"):
        assert f"{step} did not run." in told


def test_a_deleted_object_is_in_no_later_dataset(rehearsed, fewer, deleted):
    changes = rehearsed.dataset(_id(fewer))["changes"]
    assert (changes["objects_removed"], changes["examples"]["removed"]) == (1, [deleted])
    assert deleted not in _channels(rehearsed, fewer)


def test_an_object_leads_to_each_model_that_used_it_and_to_no_later_one(
    rehearsed, users, fewer, deleted
):
    bucket = rehearsed.outputs("data")["DropsBucketName"]
    found = rehearsed.run("./scripts/lineage", "object", f"s3://{bucket}/{deleted}")
    assert found.returncode == 0, found.stderr
    packages = [_package(rehearsed, run) for run in (*users, fewer)]
    assert [package in found.stdout for package in packages] == [True, True, True, False]


def test_a_content_that_no_model_saw_has_an_exit_status_of_its_own(rehearsed, fewer):
    found = rehearsed.run("./scripts/lineage", "object", "--sha256", "0" * 64)
    assert found.returncode == 3, found.stdout + found.stderr


def test_a_model_leads_to_its_execution_and_its_drops(rehearsed, fewer):
    found = rehearsed.run("./scripts/lineage", "model", "latest")
    assert found.returncode == 0, found.stderr
    assert _id(fewer) in found.stdout
    for drop in ("first", "repeated", "bad"):
        assert drop in found.stdout
