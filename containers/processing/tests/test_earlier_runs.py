"""What a run takes over from those before it, and what it says has changed."""

import hashlib
import json
from collections import Counter

import pytest
from tests.throttling_proxy import throttled

from processing.manifests.s3 import CONNECTIONS


def images(*labels, count=12, salt=""):
    return {
        f"{label}/{number:03d}.jpg": f"{salt}{label}{number}".encode()
        for label in labels
        for number in range(count)
    }


def test_runs_that_overlapped_are_both_continued_and_the_older_one_counts(bench):
    bench.drop("d1", images("cat", "dog", count=40))
    first = bench.run("e1", "d1", seed=1)
    second = bench.run("e2", "d1", seed=2)
    assert first.channels != second.channels
    bench.drop("d2", images("bee", salt="2"))
    third = bench.run("e3", "d2", seed=3)
    for outcome in (first, second, third):
        bench.publish(outcome)
    bench.drop("d3", images("ant", salt="3"))
    merged = bench.publish(bench.run("e4", "d3"))
    assert merged.dataset["earlier_execution_ids"] == ["e1", "e2", "e3"]
    assert first.channels.items() <= merged.channels.items()
    assert {e: c for e, c in third.channels.items() if e.startswith("d2/")}.items() <= (
        merged.channels.items()
    )
    assert merged.labels == ["cat", "dog", "bee", "ant"]
    assert bench.run("e5", "d3").dataset["earlier_execution_ids"] == ["e4"]


def test_what_an_attempt_before_left_of_the_same_execution_is_not_read(bench):
    bench.drop("d1", images("cat", "dog"))
    bench.publish(bench.run("e1", "d1"))
    first = bench.publish(bench.run("e2", "d1"))
    assert bench.run("e2", "d1").dataset == first.dataset


@pytest.mark.parametrize(
    ("dataset", "reason"),
    [
        (b"{", "lineage/e1/dataset.json cannot be read (Expecting property name"),
        (b"[]", "lineage/e1/dataset.json cannot be read (list indices"),
        (b'{"schema": 9}', "lineage/e1/dataset.json has schema 9, and this image reads 2"),
    ],
)
def test_an_earlier_lineage_that_cannot_be_read_is_named(bench, dataset, reason):
    bench.drop("d1", images("cat", "dog"))
    bench.publish(bench.run("e1", "d1"))
    bench.s3.put_object(Bucket=bench.artifacts, Key="lineage/e1/dataset.json", Body=dataset)
    assert reason in bench.run("e2", "d1").message


def test_nothing_has_changed_in_the_first_run(bench):
    bench.drop("d1", images("cat", "dog"))
    dataset = bench.run("e1", "d1").dataset
    assert dataset["changes"] == {
        "objects_added": 0,
        "objects_removed": 0,
        "objects_changed": 0,
        "contents_added": 0,
        "contents_removed": 0,
        "examples": {"added": [], "removed": [], "changed": []},
    }
    assert dataset["class_shares"]["cat"] == {"earlier": None, "now": 0.5}


def test_changes_since_the_last_run_are_counted_with_examples(bench):
    bench.drop("d1", images("cat", "dog", count=40))
    bench.publish(bench.run("e1", "d1"))
    bench.put("d1/cat/000.jpg", b"drawn anew")
    for number in range(1, 31):
        bench.delete(f"d1/dog/{number:03d}.jpg")
    # The same content under another name is an object more and no content more.
    bench.drop("d2", {"cat/copy.jpg": b"cat5", "dog/new.jpg": b"new"})
    changes = bench.run("e2", "d2").dataset["changes"]
    assert changes == {
        "objects_added": 2,
        "objects_removed": 30,
        "objects_changed": 1,
        "contents_added": 2,
        "contents_removed": 31,
        "examples": {
            "added": ["drops/d2/cat/copy.jpg", "drops/d2/dog/new.jpg"],
            "removed": [f"drops/d1/dog/{number:03d}.jpg" for number in range(1, 21)],
            "changed": ["drops/d1/cat/000.jpg"],
        },
    }


def test_a_class_whose_share_moves_further_than_the_limit_is_warned_of(bench):
    bench.drop("d1", images("cat", "dog", count=20))
    bench.publish(bench.run("e1", "d1"))
    bench.drop("d2", images("dog", count=20, salt="2"))
    outcome = bench.run("e2", "d2")
    assert outcome.dataset["class_shares"]["dog"] == {"earlier": 0.5, "now": 0.666667}
    warnings = outcome.dataset["warnings"]
    assert [w for w in warnings if w.startswith('Class "dog" makes up 66.7% of the objects')]
    assert not bench.run("e2", "d2", class_share_drift=0.2).dataset["warnings"]


def test_a_content_is_downloaded_for_a_new_version_only(bench, s3_endpoint, monkeypatch):
    bench.drop("d1", images("cat", "dog"))
    bench.publish(bench.run("e1", "d1"))
    bench.put("d1/cat/000.jpg", b"drawn anew")
    with throttled(s3_endpoint, 0, seed=0) as (url, log):
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        assert len(bench.run("e2", "d1").rows) == 24
    asked = [path for method, path in log.requests if method == "GET" and ".jpg" in path]
    assert len(asked) == 1
    assert "/drops/d1/cat/000.jpg?" in asked[0]


def asked_of_images(log):
    """How many requests of each method were for images."""
    return Counter(method for method, path in log.requests if ".jpg" in path)


def test_of_a_drop_with_checksums_of_s3_no_content_is_downloaded(bench, s3_endpoint, monkeypatch):
    for name, data in images("cat", "dog").items():
        bench.put(f"d1/{name}", data, ChecksumAlgorithm="SHA256")
    bench.drop("d1", {})
    with throttled(s3_endpoint, 0, seed=0) as (url, log):
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        rows = bench.run("e1", "d1").rows
    assert asked_of_images(log) == {"HEAD": 24}
    assert {row["sha256"] for row in rows} == {
        hashlib.sha256(data).digest() for data in images("cat", "dog").values()
    }


def test_of_a_drop_without_checksums_few_objects_are_asked_for_twice(
    bench, s3_endpoint, monkeypatch
):
    bench.drop("d1", images("cat", "dog", count=100))
    with throttled(s3_endpoint, 0, seed=0) as (url, log):
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        bench.run("e1", "d1")
    asked = asked_of_images(log)
    assert asked["GET"] == 200
    assert asked["HEAD"] <= CONNECTIONS


def test_a_drop_whose_objects_were_all_deleted_is_not_named(bench):
    bench.drop("d1", images("cat", "dog"))
    bench.drop("d2", images("cat"), marker=False)
    for name in images("cat"):
        bench.delete(f"d2/{name}")
    assert bench.run("e1", "d1").dataset["incomplete_drops"] == []


def test_warnings_of_many_drops_are_counted_beyond_what_one_reads(bench):
    bench.drop("d1", images("cat", "dog"))
    for number in range(25):
        bench.drop(f"old-{number:02d}", {"stray.jpg": b"x"})
    warnings = bench.run("e1", "d1").dataset["warnings"]
    assert len(warnings) == 21
    assert warnings[-1] == "5 more warnings of this kind are left out."


def test_an_index_in_any_order_is_understood(bench):
    files = images("cat", "dog", count=30)
    for name, data in files.items():
        bench.put(f"d1/{name}", data)
    described = [
        {"name": n, "size": len(d), "sha256": f"{i:064x}"} for i, (n, d) in enumerate(files.items())
    ]
    bench.put("d1/_SUCCESS", json.dumps({"files": described[::-1], "schema": 1}).encode())
    digests = [row["sha256"].hex() for row in bench.run("e1", "d1").rows]
    assert digests == [file["sha256"] for file in described]


def chain(bench, count):
    """Drops and runs e1, e2, ..., each of which continues the one before."""
    for number in range(1, count + 1):
        bench.drop(f"d{number}", images("cat", "dog", count=3, salt=str(number)))
        bench.publish(bench.run(f"e{number}", f"d{number}"))


def test_of_many_earlier_runs_the_newest_alone_is_read(bench, s3_endpoint, monkeypatch):
    chain(bench, 5)
    with throttled(s3_endpoint, 0, seed=0) as (url, log):
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        outcome = bench.run("e6", "d5")
    assert outcome.dataset["earlier_execution_ids"] == ["e5"]
    asked = [path for method, path in log.requests if path.startswith(f"/{bench.artifacts}")]
    read = {path.partition("?")[0].rpartition("/lineage/")[2] for path in asked if ".j" in path}
    assert read == {"e5/dataset.json", "e5/labels.json"}
    assert sum("versions" in path for path in asked) == 1


def rewrite(bench, execution_id, change):
    key = f"lineage/{execution_id}/dataset.json"
    body = bench.s3.get_object(Bucket=bench.artifacts, Key=key)["Body"].read()
    dataset = change(json.loads(body))
    bench.s3.put_object(Bucket=bench.artifacts, Key=key, Body=json.dumps(dataset).encode())


def forget(bench, execution_id):
    for name in ("dataset.json", "labels.json", "objects.parquet", "membership.parquet"):
        bench.s3.delete_object(Bucket=bench.artifacts, Key=f"lineage/{execution_id}/{name}")


def without(name):
    return lambda dataset: {key: said for key, said in dataset.items() if key != name}


def older_image(bench):
    for number in (1, 2, 3):
        rewrite(bench, f"e{number}", without("earlier_executions"))


DISORDERS = {
    "were made by an older image": older_image,
    "have lost one": lambda bench: forget(bench, "e1"),
    "have one that was written again": lambda bench: rewrite(bench, "e1", dict),
    "have the last but one written again": lambda bench: rewrite(bench, "e2", dict),
}


@pytest.mark.parametrize("disorder", DISORDERS.values(), ids=DISORDERS)
def test_the_newest_run_is_continued_where_lineages(bench, disorder):
    chain(bench, 3)
    disorder(bench)
    assert bench.run("e4", "d3").dataset["earlier_execution_ids"] == ["e3"]


def test_a_run_that_was_tried_again_after_one_that_continued_it_is_continued(bench):
    chain(bench, 3)
    bench.publish(bench.run("e2", "d3"))
    assert bench.run("e4", "d3").dataset["earlier_execution_ids"] == ["e2"]


def test_a_run_that_overlapped_many_is_continued_too(bench):
    chain(bench, 2)
    late = bench.run("late", "d2", seed=9)
    bench.drop("d3", images("cat", "dog", salt="3"))
    bench.publish(bench.run("e3", "d3"))
    bench.publish(late)
    bench.publish(bench.run("e4", "d3"))
    assert bench.run("e5", "d3").dataset["earlier_execution_ids"] == ["e4"]
    forget(bench, "e4")
    assert bench.run("e6", "d3").dataset["earlier_execution_ids"] == ["e3", "late"]
