"""Records are read by their numbers, with few files open."""

from pathlib import Path

import pytest

from records.framing import RecordError
from records.reader import Reader
from records.tests.files import records_of, write


def opened(folder: Path) -> int:
    """How many files in `folder` this process has open."""
    links = [link for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    return sum(link.readlink().is_relative_to(folder) for link in links)


@pytest.fixture
def records(tmp_path):
    files = [
        write(tmp_path / f"{number:03}.tfrecord", f"{number}-a", f"{number}-b")
        for number in range(100)
    ]
    return records_of(*files)


def test_a_channel_of_many_files_is_read_with_few_of_them_open(records, tmp_path):
    order = [*range(records.count), *reversed(range(records.count))]
    with Reader(records) as reader:
        read = reader.read(order)
        assert opened(tmp_path) == 32
    assert opened(tmp_path) == 0
    assert read[: records.count] == read[: records.count - 1 : -1]
    assert len(set(read)) == records.count == 200


def test_a_reader_that_nobody_has_any_more_closes_its_files(records, tmp_path):
    Reader(records).read(range(records.count))
    assert opened(tmp_path) == 0


def test_records_are_numbered_over_the_files(tmp_path):
    files = [write(tmp_path / "a", "x"), write(tmp_path / "b"), write(tmp_path / "c", "y", "z")]
    with Reader(records_of(*files)) as reader:
        assert all(
            key in data
            for key, data in zip((b"x", b"y", b"z"), reader.read([0, 1, 2]), strict=True)
        )
        assert reader.part(1, 0, 10) == reader.read([1])[0][:10]
        assert reader.part(1, reader.length(1) - 2, 10) == reader.read([1])[0][-2:]


def test_a_damaged_record_is_named_by_its_place(tmp_path):
    file = write(tmp_path / "a.tfrecord", "one", "two")
    content = bytearray(file.read_bytes())
    content[-6] ^= 1
    file.write_bytes(content)
    with Reader(records_of(file)) as reader:
        reader.read([0])
        with pytest.raises(RecordError, match=r"The record at byte \d+ of .*a.tfrecord is damaged"):
            reader.read([1])
