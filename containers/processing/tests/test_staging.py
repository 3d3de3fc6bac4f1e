"""Tables that are sorted on disk and read in step with something else."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from processing.manifests.staging import RunsWriter, SortedRows

SCHEMA = pa.schema([("name", pa.string())])
names = st.text(st.characters(codec="utf-8"), max_size=4)


def batch(some):
    return pa.record_batch([pa.array(some, pa.string())], schema=SCHEMA)


def in_bytes(some):
    return sorted(some, key=str.encode)


@given(st.lists(st.lists(names, min_size=1, max_size=5), max_size=8))
def test_runs_of_any_batches_are_merged_in_the_order_of_bytes(batches):
    with TemporaryDirectory() as folder:
        runs = RunsWriter(Path(folder), SCHEMA, "name")
        for some in batches:
            runs.append(batch(some))
        merged = [name for part in runs.batches() for name in part["name"].to_pylist()]
    assert merged == in_bytes(name for some in batches for name in some)


@given(st.sets(names), st.sets(names), st.integers(1, 4))
def test_each_row_is_read_once_up_to_each_bound(stored, bounds, size):
    ordered = in_bytes(stored)
    rows = SortedRows((batch(ordered[i : i + size]) for i in range(0, len(ordered), size)), "name")
    read = []
    for bound in [*in_bytes(bounds), None]:
        read += [name for part in rows.until(bound) for name in part["name"].to_pylist()]
        assert read == [n for n in ordered if bound is None or n.encode() <= bound.encode()]
