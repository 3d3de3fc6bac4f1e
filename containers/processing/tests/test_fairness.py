"""No file and no host is dealt a class: whatever the classes, chance deals."""

import hashlib

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processing.common.buckets import Buckets, places_of
from processing.shards.fairness import fairness, of_files
from records.index import ENTRY, IndexWriter

SCHEMA = pa.schema([("label", pa.int32())])


def dealt(folder, counts, seed=1, copies=1):
    """Labels in the order of places, of objects that were sorted by class before.

    copies: so many objects after each other have the same content.
    """
    labels = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
    digests = [
        hashlib.sha256(f"{label} {number // copies}".encode()).digest()
        for number, label in enumerate(labels.tolist())
    ]
    with Buckets(folder, SCHEMA, len(labels)) as buckets:
        for start in range(0, len(labels), 1000):
            some = slice(start, start + 1000)
            rows = pa.RecordBatch.from_arrays([pa.array(labels[some])], schema=SCHEMA)
            buckets.append(places_of(seed, pa.array(digests[some], pa.binary(32)), start), rows)
    return np.concatenate([table["label"].to_numpy() for table in buckets.tables()])


def judged(labels, parts, classes):
    counts = [np.bincount(part, minlength=classes) for part in np.array_split(labels, parts)]
    return fairness(sum(counts), counts, [int(count.sum()) for count in counts])


@settings(max_examples=60)
@given(
    counts=st.lists(st.integers(1, 400), min_size=2, max_size=30),
    parts=st.integers(1, 12),
    seed=st.integers(0, 2**31 - 1),
    copies=st.sampled_from([1, 1000]),
)
def test_whatever_is_dealt_no_part_is_beyond_chance(tmp_path_factory, counts, parts, seed, copies):
    labels = dealt(tmp_path_factory.mktemp("deal"), counts, seed, copies)
    assert np.bincount(labels).tolist() == counts
    assert judged(labels, parts, len(counts)).of_limit <= 1
    # As hosts are dealt objects one by one.
    turns = np.concatenate([labels[part::parts] for part in range(parts)])
    assert judged(turns, parts, len(counts)).of_limit <= 1


@pytest.mark.parametrize("parts", [2, 8])
def test_a_class_a_part_is_seen_to_be_no_deal_of_chance(tmp_path, parts):
    counts = [300] * 8
    mixed, by_class = dealt(tmp_path, counts), np.repeat(np.arange(8), 300)
    fair, unfair = judged(mixed, parts, 8), judged(by_class, parts, 8)
    assert fair.of_limit < 1 < unfair.of_limit
    assert fair.worst < 3 * fair.expected < unfair.worst


def test_a_worst_deviation_is_about_what_is_expected(tmp_path):
    counts, parts = [5000, 1000, 500, 100], 6
    deals = [judged(dealt(tmp_path / str(seed), counts, seed), parts, 4) for seed in range(12)]
    expected = deals[0].expected
    assert {deal.expected for deal in deals} == {expected}
    assert np.mean([deal.worst for deal in deals]) == pytest.approx(expected, rel=0.25)


def test_a_short_last_file_does_not_hide_one_that_is_of_one_class():
    counts = [np.array([3, 0]), np.array([500, 0]), np.array([500, 1000])]
    found = fairness(sum(counts), counts, [3, 500, 1500])
    assert found.worst == pytest.approx(1 - 1003 / 2003)
    assert found.of_limit > 1


def test_files_are_counted_by_their_indexes(tmp_path):
    paths = []
    for name, labels in (("a", [0, 0, 1]), ("b", [1, 1, 1]), ("c", [])):
        paths.append(tmp_path / f"{name}.npy")
        with IndexWriter(paths[-1]) as index:
            index.extend(np.array([(0, 0, label) for label in labels], ENTRY))
    assert of_files(paths, 3).worst == pytest.approx(1 / 3)
    assert of_files(paths[:1], 3) == of_files([], 3)


def test_the_same_objects_are_ordered_the_same_whatever_their_batches(tmp_path):
    digests = pa.array([number.to_bytes(32, "big") for number in range(5000)], pa.binary(32))
    places = places_of(7, digests, 0)
    orders = []
    for size in (1, 37, 5000):
        with Buckets(tmp_path / str(size), SCHEMA, 100_000) as buckets:
            for start in range(0, 5000, size):
                numbers = np.arange(start, min(start + size, 5000), dtype=np.int32)
                rows = pa.RecordBatch.from_arrays([pa.array(numbers)], schema=SCHEMA)
                buckets.append(places_of(7, digests[start : start + size], start), rows)
        tables = list(buckets.tables())
        orders.append(np.concatenate([table["label"].to_numpy() for table in tables]).tolist())
    assert orders[0] == orders[1] == orders[2] == np.argsort(places).tolist()
