"""Files end at their size, and each index tells where its file's records lie."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from records.files import RecordFiles
from records.framing import RecordError
from records.index import file_bytes, open_index
from records.tests.files import find_starts
from records.writer import image_record

records = st.lists(st.tuples(st.integers(0, 300), st.integers(0, 9)), max_size=30)


@given(records=records, limit=st.integers(1, 2000))
def test_whatever_is_written_lies_where_the_indexes_say(tmp_path_factory, records, limit):
    folder = tmp_path_factory.mktemp("files")
    with RecordFiles(folder / "train", folder / "index", "train-x", limit) as files:
        for size, label in records:
            files.append(image_record(bytes(size), label, "key"), label)
    names = [f"train-x-{number:05d}" for number in range(len(files.indexes))]
    assert files.indexes == [folder / "index" / f"{name}.npy" for name in names]
    data = [folder / "train" / f"{name}.tfrecord" for name in names]
    assert sorted((folder / "train").iterdir()) == data
    labels = []
    for file, path in zip(data, files.indexes, strict=True):
        index = open_index(path)
        starts = find_starts(file)
        assert index["start"].tolist() == starts[:-1]
        assert index["length"].tolist() == [end - start - 16 for start, end in pairwise(starts)]
        assert file_bytes(index) == file.stat().st_size
        assert starts[-2] < limit
        labels += index["label"].tolist()
    assert labels == [label for _, label in records]
    assert (files.records, files.bytes) == (len(records), sum(f.stat().st_size for f in data))
    assert all(file.stat().st_size >= limit for file in data[:-1])


def test_an_index_of_a_file_that_was_not_written_to_its_end_cannot_be_opened(tmp_path):
    image = np.zeros((2, 2, 3), np.uint8)
    files = RecordFiles(tmp_path, tmp_path, "train", 1)
    with pytest.raises(OSError, match="full"), files:
        files.append(image_record(image, 1, "one"), 1)
        files.append(image_record(image, 1, "two"), 1)
        raise OSError("full")
    whole, broken = files.indexes
    assert len(open_index(whole)) == 1
    with pytest.raises(RecordError, match="is no index"):
        open_index(broken)
