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
