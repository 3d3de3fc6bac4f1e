"""What CreateManifests refuses, each with one sentence in the exit message."""

import hashlib
import json

import pytest


def images(*labels, count=12):
    return {f"{label}/{n}.jpg": f"{label}{n}".encode() for label in labels for n in range(count)}


def described(files):
    return [
        {"name": name, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in files.items()
    ]


FILES = images("cat", "dog")
SOUND = described(FILES)


def bad_index(change):
    files = [dict(file) for file in SOUND]
    change(files)
    return {"schema": 1, "files": files}


BAD_DROPS = {
    "a file beside the class folders": (
        FILES | {"stray.jpg": b"x"},
        None,
        '"stray.jpg" is not <class label>/<file>; move it into one class folder',
    ),
    "a file below a class folder's folder": (
        FILES | {"cat/2024/a.jpg": b"x"},
        None,
        '"cat/2024/a.jpg" is not <class label>/<file>',
    ),
    "a file of the index that is missing": (
        FILES,
        bad_index(lambda files: files.append(SOUND[0] | {"name": "cat/gone.jpg"})),
        '"cat/gone.jpg" is in the index but was not found; upload it',
    ),
    "a file of another size": (
        FILES,
        bad_index(lambda files: files[0].update(size=99)),
        '"cat/0.jpg" has 4 bytes where the index says 99',
    ),
    "a file that the index leaves out": (
        FILES,
        bad_index(lambda files: files.pop(0)),
        '"cat/0.jpg" is not in the index; add it there',
    ),
    "an index that lists a file twice": (
        FILES,
        bad_index(lambda files: files.append(SOUND[0])),
        'cannot be read: "cat/0.jpg" is listed 2 times',
    ),
    "an index of another schema": (
        FILES,
        {"schema": 2, "files": []},
        "the index in its _SUCCESS cannot be read: Input should be 1 (schema)",
    ),
    "another program's marker": (
        FILES,
        {"name": "org.apache.hadoop.fs.s3a.commit.files.SuccessData/1", "success": True},
        "it is another program's; write it again, empty or as {",
    ),
    "a name that can become no file": (
        FILES | {f"cat/{'x' * 256}.jpg": b"x"},
        None,
        "has a part of more than 255 bytes and can become no file",
    ),
    "an index with names in another Unicode form": (
        {"caf\u00e9/1.jpg": b"x"} | FILES,
        {"schema": 1, "files": [*SOUND, SOUND[0] | {"name": "cafe\u0301/1.jpg"}]},
        "perhaps the key has them otherwise",
    ),
    "an index in UTF-16": (
        FILES,
        ("utf-16", {"schema": 1, "files": SOUND}),
        "it is UTF-16, not UTF-8",
    ),
    "a digest that is none": (
        FILES,
        bad_index(lambda files: files[0].update(sha256="abc")),
        "(files.0.sha256)",
    ),
}


@pytest.mark.parametrize(("files", "index", "reason"), BAD_DROPS.values(), ids=BAD_DROPS)
def test_a_drop_is_refused_when_it_holds(bench, capsys, files, index, reason):
    bench.drop("d1", files, index=index)
    outcome = bench.run("e1", "d1")
    assert outcome.code == 1
    assert outcome.message.startswith('Drop "d1" cannot be used: ')
    assert reason in outcome.message
    assert "Traceback" not in capsys.readouterr().out
    assert not outcome.output.exists()


@pytest.mark.parametrize(("files", "index", "reason"), BAD_DROPS.values(), ids=BAD_DROPS)
def test_another_drop_alone_is_left_out_with_its_reason_when_it_holds(bench, files, index, reason):
    bench.drop("d1", files, index=index)
    bench.drop("d2", images("cat", "dog", count=15))
    outcome = bench.run("e1", "d2")
    assert outcome.code == 0
    (unused,) = outcome.dataset["unused_drops"]
    assert unused["id"] == "d1"
    assert reason in unused["reason"]
    assert unused["reason"] in outcome.dataset["warnings"]
    assert {row["drop_id"] for row in outcome.rows} == {"d2"}


def test_an_index_that_is_no_json_is_refused(bench):
    bench.drop("d1", FILES)
    bench.put("d1/_SUCCESS", b"done!")
    assert "cannot be read: Invalid JSON" in bench.run("e1", "d1").message


def test_a_drop_without_a_marker_cannot_start_a_run(bench):
    bench.drop("d1", FILES, marker=False)
    assert bench.run("e1", "d1").message == (
        f'Drop "d1" is not complete: s3://{bench.drops}/drops/d1/_SUCCESS is missing; '
        "upload the drop's files and then this marker."
    )


@pytest.mark.parametrize("files", [{}, {".notes/a.jpg": b"x"}])
def test_a_drop_of_nothing_but_a_marker_is_refused(bench, files):
    bench.drop("d1", files)
    assert bench.run("e1", "d1").message == (
        'Drop "d1" holds no images: upload them as <class label>/<file> and write _SUCCESS again.'
    )


def test_one_class_only_is_refused(bench):
    bench.drop("d1", images("cat"))
    assert 'All images are of one class, "cat"' in bench.run("e1", "d1").message


def test_a_class_too_small_is_refused_with_class_channel_wanted_and_found(bench):
    bench.drop("d1", images("cat", count=30) | images("dog", count=8))
    message = bench.run("e1", "d1", minimum_per_class_and_channel=3).message
    assert message == (
        'Class "dog" is too small: channel test wants 3 different images of it and has 2, '
        "of 8 in all; drop more images of it or lower MinimumPerClassAndChannel."
    )


def test_copies_of_one_image_do_not_make_a_class_large_enough(bench):
    bench.drop("d1", images("cat") | {f"dog/{n}.jpg": b"same" for n in range(20)})
    assert 'Class "dog" is too small' in bench.run("e1", "d1").message


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ({"validation_fraction": 0}, "0 must be above 0 and below 1"),
        ({"test_fraction": 1}, "1 must be above 0 and below 1"),
        ({"test_fraction": "much"}, "--test-fraction: invalid fraction value: 'much'"),
        ({"test_fraction": "nan"}, "nan must be above 0 and below 1"),
        ({"validation_fraction": 0.5, "test_fraction": 0.5}, "leave nothing to train on"),
        ({"minimum_per_class_and_channel": 0}, "0 must be 1 or more"),
        ({"seed": "x"}, "--seed: invalid int value: 'x'"),
        ({"drops": "s3://bucket/drops"}, "--drops: must be s3://<bucket>/<prefix>/"),
        ({"colour": "red"}, "unrecognized arguments: --colour=red"),
    ],
)
def test_a_wrong_setting_is_refused_before_s3_is_asked(bench, setting, reason):
    outcome = bench.run("e1", "no such drop", **setting)
    assert outcome.code == 1
    assert reason in outcome.message


def test_a_bucket_that_is_not_there_gives_a_sentence(bench, capsys):
    outcome = bench.run("e1", "d1", drops="s3://no-such-bucket-here/drops/")
    assert outcome.message.startswith("S3 refused ListObjectVersions (The specified bucket does")
    assert "Traceback" not in capsys.readouterr().out


def test_a_marker_written_twice_changes_nothing(bench):
    bench.drop("d1", FILES, index=True)
    once = bench.run("e1", "d1").channels
    bench.put("d1/_SUCCESS", json.dumps({"schema": 1, "files": SOUND}).encode())
    assert bench.run("e2", "d1").channels == once


def test_digests_in_upper_case_are_digests(bench):
    files = [file | {"sha256": file["sha256"].upper()} for file in SOUND]
    bench.drop("d1", FILES, index={"schema": 1, "files": files})
    assert len(bench.run("e1", "d1").rows) == len(FILES)


@pytest.mark.parametrize("drop_id", ["", "a b", "a\n", "-a", ".", "..", "x" * 64])
def test_a_drop_whose_id_is_none_is_left_out_and_others_are_used(bench, drop_id):
    bench.drop("d1", FILES)
    bench.drop(drop_id, images("cat", "dog", count=3))
    outcome = bench.run("e1", "d1")
    assert {row["drop_id"] for row in outcome.rows} == {"d1"}
    (unused,) = outcome.dataset["unused_drops"]
    assert unused["id"] == drop_id
    assert "is no drop id" in unused["reason"]


def test_where_the_drop_that_started_the_run_is_bad_the_others_have_their_run(bench):
    bench.drop("d1", FILES)
    bench.publish(bench.run("e1", "d1"))
    bench.drop("d2", images("cat", "dog", count=15))
    bench.drop("d3", FILES | {"stray.jpg": b"x"})
    outcome = bench.run("e2", "d3")
    assert {row["drop_id"] for row in outcome.rows} == {"d1", "d2"}
    assert [drop["id"] for drop in outcome.dataset["unused_drops"]] == ["d3"]
    bench.publish(outcome)
    refused = bench.run("e3", "d3")
    assert refused.message.startswith('Drop "d3" cannot be used: "stray.jpg"')


def test_where_the_drop_that_started_the_run_is_deleted_the_others_have_their_run(bench):
    bench.drop("d1", FILES)
    assert {row["drop_id"] for row in bench.run("e1", "gone").rows} == {"d1"}
    bench.publish(bench.run("e2", "gone"))
    assert 'Drop "gone" is not complete' in bench.run("e3", "gone").message


def test_a_drop_that_was_used_is_used_in_part_when_it_has_lost_a_file(bench):
    bench.drop("d1", FILES, index=True)
    first = bench.publish(bench.run("e1", "d1"))
    bench.delete("d1/cat/0.jpg")
    bench.drop("d2", images("cat", "dog", count=15))
    outcome = bench.run("e2", "d2")
    kept = {key: channel for key, channel in first.channels.items() if key != "d1/cat/0.jpg"}
    assert {key: c for key, c in outcome.channels.items() if key.startswith("d1/")} == kept
    (warning,) = outcome.dataset["included_drops"][0]["warnings"]
    assert warning.startswith('Drop "d1" is used in part: "cat/0.jpg" is in the index')


def test_a_class_of_a_drop_that_is_left_out_is_none(bench):
    bench.drop("d1", FILES)
    bench.drop("d2", images("bird") | {"stray.jpg": b"x"})
    assert bench.run("e1", "d1").labels == ["cat", "dog"]


@pytest.mark.parametrize("index", [True, None])
def test_an_index_after_a_byte_order_mark_is_read_as_one_without(bench, index):
    text = json.dumps({"schema": 1, "files": SOUND}) if index else ""
    bench.drop("d1", FILES)
    bench.put("d1/_SUCCESS", text.encode("utf-8-sig"))
    assert len(bench.run("e1", "d1").rows) == len(FILES)


def same_but_for_what_is_told(outcome, other):
    """Whether two runs wrote the same bytes, but for what `dataset.json` says of unused drops."""
    for path in sorted(other.output.rglob("*")):
        if path.is_file() and path.name != "dataset.json":
            assert (
                outcome.output / path.relative_to(other.output)
            ).read_bytes() == path.read_bytes()
    told = ("unused_drops", "warnings", "drop_id", "included_drops")
    assert {k: v for k, v in outcome.dataset.items() if k not in told} == {
        k: v for k, v in other.dataset.items() if k not in told
    }


@pytest.mark.parametrize("starts", ["d1", "d3"])
def test_a_drop_whose_new_class_is_too_small_alone_waits(bench, tmp_path, starts):
    bench.drop("d0", FILES)
    bench.publish(bench.run("e1", "d0"))
    bench.drop("d2", images("cat", "dog", count=15))
    alone = bench.run("e2", "d2")
    bench.drop("d1", images("ant", count=2) | images("cat", count=20))
    bench.drop("d3", images("bee", count=1) | images("ant", count=2))
    outcome = type(bench).again(bench, tmp_path / "again").run("e2", starts)
    same_but_for_what_is_told(outcome, alone)
    unused = {drop["id"]: drop["reason"] for drop in outcome.dataset["unused_drops"]}
    assert unused["d1"] == (
        'Drop "d1" cannot be used: class "ant" is too small: channel validation wants 1 different '
        "images of it and has 0, of 2 in all; drop more images of it or lower "
        "MinimumPerClassAndChannel."
    )
    assert unused.keys() == {"d1", "d3"}
    assert set(unused.values()) <= set(outcome.dataset["warnings"])


def test_drops_that_waited_for_a_class_are_used_once_it_is_large_enough(bench):
    bench.drop("d1", FILES)
    bench.drop("d2", images("ant", count=2))
    bench.publish(bench.run("e1", "d2"))
    bench.drop("d3", {f"ant/more{n}.jpg": b"%d" % n for n in range(10)})
    outcome = bench.run("e2", "d3")
    assert outcome.labels == ["cat", "dog", "ant"]
    assert {row["drop_id"] for row in outcome.rows} == {"d1", "d2", "d3"}


def test_a_drop_that_is_left_out_may_leave_others_classes_too_small(bench):
    bench.drop("d0", FILES)
    bench.drop("d1", images("ant", count=1) | images("bee", count=8))
    bench.drop("d2", {f"bee/more{n}.jpg": b"%d" % n for n in range(3)})
    outcome = bench.run("e1", "d0", minimum_per_class_and_channel=2)
    assert [drop["id"] for drop in outcome.dataset["unused_drops"]] == ["d1", "d2"]
    assert outcome.labels == ["cat", "dog"]


def test_a_new_drop_that_is_bad_for_its_small_class_fails_the_run_that_has_no_other_news(bench):
    bench.drop("d1", FILES)
    bench.publish(bench.run("e1", "d1"))
    bench.drop("d2", images("ant", count=2))
    assert bench.run("e2", "d2").message.startswith(
        'Drop "d2" cannot be used: class "ant" is too small'
    )


def test_a_known_class_that_has_become_too_small_is_left_out_and_told(bench):
    bench.drop("d1", images("ant", "cat", "dog"))
    bench.publish(bench.run("e1", "d1"))
    for number in range(10):
        bench.delete(f"d1/ant/{number}.jpg")
    bench.drop("d2", images("cat", "dog", count=15))
    outcome = bench.run("e2", "d2")
    assert outcome.labels == ["ant", "cat", "dog"]
    assert {row["class_label"] for row in outcome.rows} == {"cat", "dog"}
    used = {drop["id"]: drop for drop in outcome.dataset["included_drops"]}
    assert (used["d1"]["objects"], used["d1"]["left_out"]) == (24, 2)
    assert used["d1"]["bytes"] == sum(r["size"] for r in outcome.rows if r["drop_id"] == "d1")
    (told,) = used["d1"]["warnings"]
    assert told.startswith('Drop "d1" is used in part: class "ant" is too small')
    assert outcome.dataset["changes"]["objects_removed"] == 12


REFUSALS = {
    "AccessDenied": 403,
    "NoSuchVersion": 404,
    "KMS.DisabledException": 400,
    "InvalidRequest": 400,
}


@pytest.mark.parametrize("refusal", REFUSALS.items())
@pytest.mark.parametrize("starts", ["d1", "d2"])
def test_a_drop_with_an_object_that_s3_does_not_hand_out_alone_waits(
    bench, tmp_path, refusing, refusal, starts
):
    bench.drop("d2", images("cat", "dog", count=15))
    alone = bench.run("e1", "d2")
    bench.drop("d1", FILES | images("bee"))
    refusing("drops/d1/cat/3", *refusal)
    outcome = type(bench).again(bench, tmp_path / "again").run("e1", starts)
    same_but_for_what_is_told(outcome, alone)
    (unused,) = outcome.dataset["unused_drops"]
    assert unused["id"] == "d1"
    assert f'S3 refuses to read "cat/3.jpg" ({refusal[0]}: not today)' in unused["reason"]


def test_of_a_drop_that_was_used_what_s3_hands_out_is_used(bench, refusing):
    bench.drop("d1", FILES)
    bench.publish(bench.run("e1", "d1"))
    bench.put("d1/cat/3.jpg", b"drawn anew")
    bench.drop("d2", images("cat", "dog", count=15))
    refusing("drops/d1/cat/3", "AccessDenied", 403)
    outcome = bench.run("e2", "d2")
    assert "drops/d1/cat/3.jpg" not in {row["key"] for row in outcome.rows}
    used = {drop["id"]: drop for drop in outcome.dataset["included_drops"]}
    assert (used["d1"]["objects"], used["d1"]["left_out"]) == (23, 1)
    assert used["d1"]["warnings"][0].startswith('Drop "d1" is used in part: S3 refuses to read')


def test_where_s3_hands_out_nothing_the_run_fails_with_what_it_said(bench, refusing):
    bench.drop("d1", FILES)
    refusing("drops/", "AccessDenied", 403)
    assert bench.run("e1", "d1").message.startswith(
        'Drop "d1" cannot be used: S3 refuses to read "cat/0.jpg" (AccessDenied: not today)'
    )


@pytest.mark.parametrize(("code", "status"), [("ExpiredToken", 400), ("InvalidAccessKeyId", 403)])
def test_a_refusal_that_is_of_the_role_and_of_no_object_spoils_no_drop(
    bench, refusing, code, status
):
    bench.drop("d1", FILES)
    bench.drop("d2", images("cat", "dog", count=15))
    refusing("drops/d1/cat/3", code, status)
    assert bench.run("e1", "d2").message.startswith("S3 refused GetObject (not today)")


@pytest.mark.parametrize("index", [True, None])
@pytest.mark.parametrize("storage_class", ["GLACIER", "DEEP_ARCHIVE"])
def test_a_drop_with_an_archived_object_alone_waits(bench, index, storage_class):
    bench.drop("d1", FILES, index=index)
    bench.put("d1/cat/3.jpg", FILES["cat/3.jpg"], StorageClass=storage_class)
    bench.drop("d2", images("cat", "dog", count=15))
    outcome = bench.run("e1", "d2")
    (unused,) = outcome.dataset["unused_drops"]
    assert '"cat/3.jpg" is archived' in unused["reason"]
    assert {row["drop_id"] for row in outcome.rows} == {"d2"}


@pytest.mark.parametrize("storage_class", ["GLACIER_IR", "STANDARD_IA", "INTELLIGENT_TIERING"])
def test_an_object_of_another_storage_class_is_used(bench, storage_class):
    bench.drop("d1", FILES)
    bench.put("d1/cat/3.jpg", b"x", StorageClass=storage_class)
    assert len(bench.run("e1", "d1").rows) == len(FILES)


def test_of_a_drop_that_was_used_what_has_been_archived_since_is_left_out(bench):
    bench.drop("d1", FILES, index=True)
    bench.publish(bench.run("e1", "d1"))
    bench.put("d1/cat/3.jpg", FILES["cat/3.jpg"], StorageClass="GLACIER")
    bench.drop("d2", images("cat", "dog", count=15))
    outcome = bench.run("e2", "d2")
    assert "drops/d1/cat/3.jpg" not in {row["key"] for row in outcome.rows}
    assert {row["drop_id"] for row in outcome.rows} == {"d1", "d2"}
