"""CreateManifests against a real S3 API: what a run writes."""

import hashlib
from concurrent.futures import ThreadPoolExecutor

import pytest


def images(*labels, count=12, salt=""):
    """Different contents for each of `labels`; CreateManifests never looks inside them."""
    return {
        f"{label}/{number}.jpg": f"{salt}{label}{number}".encode()
        for label in labels
        for number in range(count)
    }


def test_the_three_manifests_are_disjoint_and_complete(bench):
    files = images("cat", "dog")
    bench.drop("d1", files)
    outcome = bench.run("e1", "d1")
    assert outcome.code == 0
    entries = []
    for channel in ("train", "validation", "test"):
        prefix, *listed = outcome.json(f"manifests/{channel}.manifest")
        assert prefix == {"prefix": f"s3://{bench.drops}/drops/"}
        assert sorted(listed) == sorted(e for e, c in outcome.channels.items() if c == channel)
        assert listed
        entries += listed
    assert sorted(entries) == sorted(f"d1/{name}" for name in files)


def test_the_lineage_describes_each_object(bench):
    bench.drop("d1", images("cat", "dog"))
    rows = bench.run("e1", "d1").rows
    assert rows == sorted(rows, key=lambda row: row["key"])
    first = rows[0]
    version = bench.s3.head_object(Bucket=bench.drops, Key="drops/d1/cat/0.jpg")["VersionId"]
    assert first == {
        "key": "drops/d1/cat/0.jpg",
        "version_id": version,
        "size": 4,
        "sha256": hashlib.sha256(b"cat0").digest(),
        "class_label": "cat",
        "encoded_label": 0,
        "channel": first["channel"],
        "drop_id": "d1",
        "execution_id": "e1",
    }


def test_the_same_drops_give_the_same_bytes(bench):
    bench.drop("d1", images("cat", "dog"), index=True)
    first = bench.run("e1", "d1").output
    (first / "../..").resolve().rename(bench.folder / "first")
    second = bench.run("e1", "d1").output
    written = [path.relative_to(second) for path in second.rglob("*") if path.is_file()]
    assert len(written) == 8
    for path in written:
        kept = bench.folder / "first" / "processing" / "output" / path
        assert kept.read_bytes() == (second / path).read_bytes()


@pytest.mark.parametrize("index", [None, True])
def test_names_with_spaces_signs_and_other_scripts_are_kept(bench, index):
    names = ["a b.jpg", "c#d.jpg", "e+f.jpg", "é.jpg", "日本.png", "100%.jpg", "q?x=1&y.jpg"]
    files = {
        f"{label}/{name}": f"{label}{name}".encode() for label in ("ä ö", "犬") for name in names
    }
    bench.drop("drop-1", files, index=index)
    outcome = bench.run("e1", "drop-1")
    assert sorted(outcome.channels) == sorted(f"drop-1/{name}" for name in files)
    assert outcome.labels == ["ä ö", "犬"]


def test_a_drop_without_a_marker_waits_for_it(bench):
    bench.drop("d1", images("cat", "dog"))
    bench.drop("d2", images("cat", salt="x"), marker=False)
    outcome = bench.run("e1", "d1")
    assert {row["drop_id"] for row in outcome.rows} == {"d1"}
    assert outcome.dataset["incomplete_drops"] == ["d2"]


def test_all_complete_drops_count_and_the_one_that_started_the_run_is_recorded(bench):
    bench.drop("d1", images("cat", "dog", count=4))
    bench.drop("d2", images("cat", "dog", count=3, salt="x"))
    whole = {"left_out": 0, "warnings": []}
    assert bench.run("e1", "d2").dataset["included_drops"] == [
        {"id": "d1", "objects": 8, "bytes": 32, "started_this_run": False} | whole,
        {"id": "d2", "objects": 6, "bytes": 30, "started_this_run": True} | whole,
    ]


def test_a_run_that_drift_started_takes_all_complete_drops_and_none_as_its_own(bench):
    bench.drop("d1", images("cat", "dog"))
    bench.drop("d2", images("cat", salt="x"), marker=False)
    dataset = bench.run("e1", "drift/shardwise-dev-0a1b2c3d/3").dataset
    assert dataset["drop_id"] == "drift/shardwise-dev-0a1b2c3d/3"
    assert [(drop["id"], drop["started_this_run"]) for drop in dataset["included_drops"]] == [
        ("d1", False)
    ]


def test_only_the_current_version_of_an_object_counts(bench):
    bench.drop("d1", images("cat", "dog"))
    bench.put("d1/cat/0.jpg", b"drawn anew")
    bench.delete("d1/cat/1.jpg")
    rows = {row["key"]: row for row in bench.run("e1", "d1").rows}
    assert rows["drops/d1/cat/0.jpg"]["size"] == 10
    assert "drops/d1/cat/1.jpg" not in rows


def test_more_objects_than_a_page_of_s3_are_all_found(bench):
    with ThreadPoolExecutor(8) as pool:
        for label in ("cat", "dog"):
            for number in range(510):
                pool.submit(bench.put, f"d1/{label}/{number}", f"{label}{number}".encode())
    bench.put("d1/_SUCCESS")
    assert len(bench.run("e1", "d1").rows) == 1020


def test_an_object_keeps_its_channel_as_data_grows_and_settings_change(bench):
    bench.drop("d1", images("cat", "dog"))
    before = bench.publish(bench.run("e1", "d1")).channels
    bench.drop("d2", images("cat", "dog", count=30, salt="x"))
    after = bench.publish(bench.run("e2", "d2", seed=8, validation_fraction=0.4))
    assert before.items() <= after.channels.items()
    assert after.dataset["earlier_execution_ids"] == ["e1"]


def test_a_renamed_image_keeps_its_channel(bench):
    bench.drop("d1", images("cat", "dog", count=30))
    before = bench.publish(bench.run("e1", "d1", seed=1)).channels
    renamed = {f"{name}-copy": data for name, data in images("cat", "dog", count=30).items()}
    bench.drop("d2", renamed)
    after = bench.run("e2", "d2", seed=2).channels
    assert all(after[f"d2/{name}-copy"] == before[f"d1/{name}"] for name in images("cat", "dog"))


def test_an_image_that_was_removed_and_comes_back_has_its_old_channel(bench):
    bench.drop("d1", images("cat", "dog", count=30))
    before = bench.publish(bench.run("e1", "d1", seed=1)).channels
    for number in range(20):
        bench.delete(f"d1/cat/{number}.jpg")
    without = bench.publish(bench.run("e2", "d1", seed=2))
    assert len(without.rows) == 40
    bench.drop("d1", images("cat", "dog", count=30))
    assert bench.run("e3", "d1", seed=3).channels == before


def test_labels_keep_their_numbers_and_new_ones_are_appended(bench):
    bench.drop("d1", images("cat", "dog"))
    bench.publish(bench.run("e1", "d1"))
    bench.drop("d2", images("bee", "ant"))
    outcome = bench.publish(bench.run("e2", "d2"))
    assert outcome.labels == ["cat", "dog", "ant", "bee"]
    encoded = {row["class_label"]: row["encoded_label"] for row in outcome.rows}
    assert encoded == {"cat": 0, "dog": 1, "ant": 2, "bee": 3}


def test_a_class_without_images_keeps_its_number_with_a_warning(bench):
    bench.drop("d1", images("cat", "dog", "eel"))
    bench.publish(bench.run("e1", "d1"))
    for number in range(12):
        bench.delete(f"d1/cat/{number}.jpg")
    outcome = bench.run("e2", "d1")
    assert outcome.labels == ["cat", "dog", "eel"]
    assert any('Class "cat" has no images any more' in w for w in outcome.dataset["warnings"])


def test_a_lineage_that_is_still_being_uploaded_is_not_read(bench):
    bench.drop("d1", images("cat", "dog"))
    bench.publish(bench.run("e1", "d1"))
    bench.s3.put_object(Bucket=bench.artifacts, Key="lineage/e2/objects.parquet", Body=b"half")
    assert bench.run("e3", "d1").dataset["earlier_execution_ids"] == ["e1"]


def test_two_objects_of_one_content_share_a_channel_and_are_counted(bench):
    files = images("cat", "dog", count=20)
    files |= {f"cat/copy-{number}.jpg": files[f"cat/{number}.jpg"] for number in range(20)}
    bench.drop("d1", files)
    outcome = bench.run("e1", "d1")
    for number in range(20):
        copy, original = f"d1/cat/copy-{number}.jpg", f"d1/cat/{number}.jpg"
        assert outcome.channels[copy] == outcome.channels[original]
    assert outcome.dataset["contents"] == 40
    assert outcome.dataset["duplicates"]["objects"] == 40
    counts = outcome.dataset["counts"]["cat"]
    assert sum(counts.values()) == 40


def test_one_image_under_two_classes_shares_a_channel_and_is_warned_of(bench):
    files = images("cat", "dog") | {"cat/both.jpg": b"same", "dog/both.jpg": b"same"}
    bench.drop("d1", files)
    outcome = bench.run("e1", "d1")
    assert outcome.channels["d1/cat/both.jpg"] == outcome.channels["d1/dog/both.jpg"]
    assert outcome.dataset["warnings"] == [
        'The same image is filed under 2 classes: "drops/d1/cat/both.jpg", '
        '"drops/d1/dog/both.jpg"; keep it in the right one.'
    ]


def test_the_digest_of_an_index_is_used(bench):
    files = images("cat", "dog")
    described = [
        {"name": name, "size": len(data), "sha256": f"{number:064x}"}
        for number, (name, data) in enumerate(sorted(files.items()))
    ]
    bench.drop("d1", files, index={"schema": 1, "files": described})
    digests = [row["sha256"] for row in bench.run("e1", "d1").rows]
    assert [digest.hex() for digest in digests] == [f"{number:064x}" for number in range(24)]


@pytest.mark.parametrize("algorithm", ["SHA256", "CRC32"])
def test_a_digest_is_that_of_the_content_whatever_checksum_s3_has(bench, algorithm):
    files = images("cat", "dog")
    for name, data in files.items():
        bench.put(f"d1/{name}", data, ChecksumAlgorithm=algorithm)
    bench.put("d1/_SUCCESS")
    for row in bench.run("e1", "d1").rows:
        content = files[row["key"].removeprefix("drops/d1/")]
        assert row["sha256"] == hashlib.sha256(content).digest()


def test_the_checksum_of_a_multipart_upload_is_not_taken_for_its_digest(bench):
    bench.drop("d1", images("cat", "dog"))
    parts = [b"a" * (5 << 20), b"b"]
    place = {"Bucket": bench.drops, "Key": "drops/d1/cat/large.jpg"}
    upload = bench.s3.create_multipart_upload(**place, ChecksumAlgorithm="SHA256")["UploadId"]
    done = []
    for number, part in enumerate(parts, start=1):
        answer = bench.s3.upload_part(
            **place, UploadId=upload, PartNumber=number, Body=part, ChecksumAlgorithm="SHA256"
        )
        checksum = {"ETag": answer["ETag"], "ChecksumSHA256": answer["ChecksumSHA256"]}
        done.append({"PartNumber": number, **checksum})
    bench.s3.complete_multipart_upload(**place, UploadId=upload, MultipartUpload={"Parts": done})
    rows = {row["key"]: row for row in bench.run("e1", "d1").rows}
    expected = hashlib.sha256(b"".join(parts)).digest()
    assert rows["drops/d1/cat/large.jpg"]["sha256"] == expected


def test_hidden_files_are_ignored_with_a_warning_and_console_folders_without(bench):
    hidden = dict.fromkeys(
        (
            ".git/config",
            "cat/.DS_Store",
            "cat/Thumbs.db",
            "cat/_SUCCESS",
            "cat/_committed_1",
            "cat/desktop.ini",
            "cat_$folder$",
            "__MACOSX/cat/1.jpg",
            "_temporary/0/cat/1.jpg",
        ),
        b"x",
    )
    bench.drop("d1", images("cat", "dog") | hidden)
    bench.put("d1/cat/")
    bench.put("d1/")
    outcome = bench.run("e1", "d1")
    assert len(outcome.rows) == 24
    assert outcome.dataset["warnings"] == [
        'Drop "d1": 9 files are ignored, as systems and programs lay such down beside images '
        '(first: ".git/config").'
    ]
    assert outcome.dataset["included_drops"][0]["left_out"] == 9


def test_pictures_whose_names_begin_with_an_underscore_are_trained_on(bench):
    files = {
        f"{label}/_DSC{n:04}.JPG": f"{label}{n}".encode()
        for label in ("cat", "_old")
        for n in range(12)
    }
    bench.drop("d1", files)
    outcome = bench.run("e1", "d1")
    assert len(outcome.rows) == 24
    assert outcome.labels == ["_old", "cat"]


def test_a_class_written_in_two_ways_is_one_and_keys_stay_as_they_are(bench):
    composed, decomposed = "caf\u00e9", "cafe\u0301"
    bench.drop("d1", images(composed, "dog"))
    bench.drop("d2", images(decomposed, salt="x"))
    outcome = bench.run("e1", "d2")
    assert outcome.labels == [composed, "dog"]
    assert any(f"/{decomposed}/" in row["key"] for row in outcome.rows)
    assert any("written in two ways" in warning for warning in outcome.dataset["warnings"])


def test_files_younger_than_a_marker_without_an_index_are_told_of(bench):
    bench.drop("d1", images("cat", "dog"))
    assert bench.run("e1", "d1").dataset["warnings"] == []
    bench.put("d1/cat/late.jpg", b"late")
    (warning,) = bench.run("e2", "d1").dataset["warnings"]
    assert '1 file was written after its marker (first: "cat/late.jpg")' in warning


def test_an_object_that_was_overwritten_after_its_index_has_its_own_digest(bench):
    bench.drop("d1", images("cat", "dog"), index=True)
    bench.put("d1/cat/0.jpg", b"CAT0")
    rows = {row["key"]: row["sha256"] for row in bench.run("e1", "d1").rows}
    assert rows["drops/d1/cat/0.jpg"] == hashlib.sha256(b"CAT0").digest()


def test_an_object_overwritten_where_no_versions_are_kept_has_its_new_digest(bench):
    bench.drops += "-unversioned"
    bench.s3.create_bucket(Bucket=bench.drops)
    bench.drop("d1", images("cat", "dog"))
    bench.publish(bench.run("e1", "d1"))
    bench.put("d1/cat/0.jpg", b"CAT0")
    rows = {row["key"]: row for row in bench.run("e2", "d1").rows}
    assert rows["drops/d1/cat/0.jpg"]["sha256"] == hashlib.sha256(b"CAT0").digest()
