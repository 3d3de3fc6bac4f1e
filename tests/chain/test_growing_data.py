"""Drops that repeat, lack their marker or hold bad files; an instance that is lost; deletions."""

from collections import Counter

import pytest

from tests.chain.bad_files import bad_files
from tests.chain.executions import OF_EACH_KIND, REPEATED, channels, id_of, package

pytestmark = pytest.mark.chain

CHANNELS = ("train", "validation", "test")


def test_what_a_run_assigned_keeps_its_channel_as_data_grows(rehearsed, first, repeated):
    before, after = channels(rehearsed, first), channels(rehearsed, repeated)
    assert len(before) == 1797
    assert {key: after[key] for key in before} == before


def test_a_copy_under_another_name_is_in_the_channel_of_the_original(rehearsed, repeated):
    found = channels(rehearsed, repeated)
    copies = [key for key in found if key.startswith("drops/repeated/")]
    assert len(copies) == REPEATED
    for key in copies:
        original = key.replace("/repeated/", "/first/").replace("/again-", "/")
        assert found[key] == found[original]


def test_a_drop_without_its_marker_is_named_and_not_counted(rehearsed, repeated):
    dataset = rehearsed.dataset(id_of(repeated))
    assert dataset["incomplete_drops"] == ["unmarked"]
    assert [drop["id"] for drop in dataset["included_drops"]] == ["first", "repeated"]
    assert not [key for key in channels(rehearsed, repeated) if "/unmarked/" in key]


def test_a_run_tells_its_copies_and_what_changed(rehearsed, first, repeated):
    dataset = rehearsed.dataset(id_of(repeated))
    assert dataset["earlier_execution_ids"] == [id_of(first)]
    assert dataset["duplicates"]["contents"] >= REPEATED - 10
    changes = dataset["changes"]
    assert (changes["objects_added"], changes["objects_removed"]) == (REPEATED, 0)
    assert changes["contents_added"] == 0


def test_a_lost_instance_is_tried_again_and_each_record_is_there_once(rehearsed, repeated):
    step = rehearsed.steps(repeated)["ShardImages"]
    assert (step["StepStatus"], step["AttemptCount"]) == ("Succeeded", 2)
    rows = rehearsed.objects(id_of(repeated))
    for channel in CHANNELS:
        shards = rehearsed.shards(id_of(repeated), channel)
        assert len(shards) == 2
        assert Counter(key for keys in shards.values() for key in keys) == Counter(
            row["key"].removeprefix("drops/") for row in rows if row["channel"] == channel
        )


def test_each_bad_file_is_quarantined_with_its_reason_and_has_no_record(rehearsed, together):
    named = {line["key"]: line["reason"] for line in rehearsed.quarantine(id_of(together))}
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
        for keys in rehearsed.shards(id_of(together), channel).values()
        for key in keys
    }
    entries = {key.removeprefix("drops/") for key in channels(rehearsed, together)}
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
    assert f"{rehearsed.dataset(id_of(strict))['contents']} different contents" in told
    for step in ("TrainModel", "EvaluateModel"):
        assert f"{step} did not run." in told


def test_a_deleted_object_is_in_no_later_dataset(rehearsed, changed, deleted):
    changes = rehearsed.dataset(id_of(changed))["changes"]
    assert (changes["objects_removed"], changes["examples"]["removed"]) == (1, [deleted])
    assert deleted not in channels(rehearsed, changed)


def test_an_object_leads_to_each_model_that_used_it_and_to_no_later_one(
    rehearsed, first, repeated, together, changed, deleted
):
    bucket = rehearsed.outputs("data")["DropsBucketName"]
    found = rehearsed.run("./scripts/lineage", "object", f"s3://{bucket}/{deleted}")
    assert found.returncode == 0, found.stderr
    packages = [package(rehearsed, run) for run in (first, repeated, together, changed)]
    assert [package in found.stdout for package in packages] == [True, True, True, False]


def test_a_content_that_no_model_saw_has_an_exit_status_of_its_own(rehearsed, changed):
    found = rehearsed.run("./scripts/lineage", "object", "--sha256", "0" * 64)
    assert found.returncode == 3, found.stdout + found.stderr


def test_a_model_leads_to_its_execution_and_its_drops(rehearsed, changed):
    found = rehearsed.run("./scripts/lineage", "model", "latest")
    assert found.returncode == 0, found.stderr
    assert id_of(changed) in found.stdout
    for drop in ("first", "repeated", "bad"):
        assert drop in found.stdout
