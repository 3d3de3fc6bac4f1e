"""Records are read by their numbers, with few files open."""

from pathlib import Path

import pytest

from records.framing import RecordError
from records.reader import Reader
from records.tests.files import find_starts, records_of, write


def opened(folder: Path) -> int:
    """How many files in `folder` this process has open."""
    links = [link for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    return sum(link.readlink().is_relative_to(folder) for link in links)


@pytest.fixture
def records(tmp_path):
    files = [write(tmp_path, f"{number:03}", f"{number}-a", f"{number}-b") for number in range(200)]
    return records_of(*files)


def test_a_channel_of_many_files_is_read_with_few_of_them_open(records, tmp_path):
    order = [*range(records.count), *reversed(range(records.count))]
    with Reader(records) as reader:
        read = reader.read(order)
        assert opened(tmp_path) == 2 * 128
    assert opened(tmp_path) == 0
    assert read[: records.count] == read[: records.count - 1 : -1]
    assert len(set(read)) == records.count == 400


def test_a_reader_that_nobody_has_any_more_closes_its_files(records, tmp_path):
    Reader(records).read(range(records.count))
    assert opened(tmp_path) == 0


def test_records_are_numbered_over_the_files(tmp_path):
    files = [write(tmp_path, "a", "x"), write(tmp_path, "b"), write(tmp_path, "c", "y", "z")]
    with Reader(records_of(*files)) as reader:
        read = reader.read([0, 1, 2])
        assert all(key in data for key, data in zip((b"x", b"y", b"z"), read, strict=True))
        assert reader.read_run(1, 2) == read[1:]
        assert reader.read_run(2, 1) == read[2:]


@pytest.mark.parametrize("read", [lambda reader: reader.read([1]), lambda r: r.read_run(0, 2)])
def test_a_damaged_record_is_named_by_its_place(tmp_path, read):
    file = write(tmp_path, "a", "one", "two")
    content = bytearray(file.read_bytes())
    content[-6] ^= 1
    file.write_bytes(content)
    start = find_starts(file)[1]
    with Reader(records_of(file)) as reader:
        reader.read([0])
        with pytest.raises(RecordError, match=rf"The record at byte {start} of .* is damaged"):
            read(reader)


@pytest.mark.parametrize("missing", [1, 3, 30])
def test_a_file_that_breaks_off_is_named(tmp_path, missing):
    file = write(tmp_path, "a", "one", "two")
    file.write_bytes(file.read_bytes()[:-missing])
    with (
        Reader(records_of(file)) as reader,
        pytest.raises(RecordError, match=r"a-00000\.tfrecord has \d+ bytes and its index tells of"),
    ):
        reader.read([0])
    assert opened(tmp_path) == 0
