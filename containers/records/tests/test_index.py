"""An index is what NumPy reads, and what is none is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from records.framing import RecordError
from records.index import ENTRY, IndexWriter, count_entries, file_bytes, open_index
from records.tests.files import write


def write_index(path, rows):
    with IndexWriter(path) as index:
        index.extend(np.array(rows, ENTRY))


largest = st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))


@given(rows=st.lists(largest, max_size=200))
def test_an_index_is_read_as_it_was_written_also_by_numpy(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("index") / "a.npy"
    with IndexWriter(path) as index:
        for row in rows:
            index.append(*row)
    assert path.stat().st_size == 128 + 16 * len(rows)
    assert count_entries(path) == len(rows)
    for read in (open_index(path), np.load(path)):
        assert read.dtype == ENTRY
        assert read.tolist() == rows


@given(rows=st.lists(largest, max_size=20))
def test_entries_are_added_one_by_one_or_many_at_once(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("index")
    write_index(folder / "many.npy", rows)
    with IndexWriter(folder / "few.npy") as index:
        for row in rows:
            index.append(*row)
    assert (folder / "many.npy").read_bytes() == (folder / "few.npy").read_bytes()


def test_an_index_whose_writing_ended_on_an_error_cannot_be_opened(tmp_path):
    path = tmp_path / "a.npy"
    with pytest.raises(OSError, match="full"), IndexWriter(path) as index:
        index.append(0, 1, 2)
        raise OSError("full")
    with pytest.raises(RecordError, match="is no index"):
        open_index(path)


def test_an_opened_index_cannot_be_changed(tmp_path):
    write_index(tmp_path / "a.npy", [(1, 1, 1)] * 3)
    with pytest.raises(ValueError, match="read-only"):
        open_index(tmp_path / "a.npy")["label"] = 2


def test_an_index_tells_the_size_of_its_file(tmp_path):
    size = write(tmp_path, "a", "one").stat().st_size
    both = write(tmp_path, "b", "one", "another").stat().st_size
    entries = np.array([(0, size - 16, 0), (size, both - size - 16, 0)], ENTRY)
    assert file_bytes(entries) == both
    assert file_bytes(entries[:1]) == size
    assert file_bytes(entries[:0]) == 0


@pytest.mark.parametrize(
    "spoil",
    [
        lambda whole: b"",
        lambda whole: whole[:100],
        lambda whole: whole[:-1],
        lambda whole: whole[:-16],
        lambda whole: whole + bytes(16),
        lambda whole: whole.replace(b"<u4", b">u4"),
        lambda whole: whole.replace(b"NUMPY\x01", b"NUMPY\x02"),
        lambda whole: bytes(len(whole)),
    ],
)
def test_a_file_that_is_no_whole_index_is_refused(tmp_path, spoil):
    path = tmp_path / "a.npy"
    write_index(path, [(1, 1, 1)] * 3)
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(RecordError, match=r"a\.npy is no index of a TFRecord file"):
        open_index(path)


def test_another_array_is_refused(tmp_path):
    np.save(tmp_path / "a.npy", np.arange(30))
    with pytest.raises(RecordError, match="is no index"):
        open_index(tmp_path / "a.npy")
