"""Frames of records: where they lie, and what is wrong with a file."""

import struct

import pytest
from crc32c import crc32c

from records.framing import RecordError, find_starts, framed, masked
from records.tests.files import write


def test_a_frame_is_length_checksum_data_checksum():
    data = [b"first", memoryview(b" and second")]
    frame = b"".join(framed(data))
    length = struct.pack("<Q", 16)
    assert frame[:12] == length + masked(crc32c(length))
    assert frame[12:] == b"first and second" + masked(crc32c(b"first and second"))


def test_a_checksum_is_masked_as_tensorflow_has_it():
    # https://www.rfc-editor.org/rfc/rfc3720#appendix-B.4: 32 bytes of 0 give 0x8A9136AA.
    assert crc32c(bytes(32)) == 0x8A9136AA
    assert masked(0x8A9136AA) == struct.pack("<I", 0x0FD7FFFA)


def test_starts_are_those_of_each_record_and_the_end(tmp_path):
    file = write(tmp_path / "a.tfrecord", "one", "another")
    starts = find_starts(file)
    size = file.stat().st_size
    assert starts.tolist() == [0, (size - len("another") + len("one")) // 2, size]


def test_an_empty_file_has_no_record(tmp_path):
    assert find_starts(write(tmp_path / "a.tfrecord")).tolist() == [0]


@pytest.mark.parametrize("missing", [1, 3, 30])
def test_a_file_that_breaks_off_is_named(tmp_path, missing):
    file = write(tmp_path / "a.tfrecord", "one")
    file.write_bytes(file.read_bytes()[:-missing])
    with pytest.raises(RecordError, match=r"a\.tfrecord breaks off in the middle of a record"):
        find_starts(file)
    with pytest.raises(RecordError, match=r"^packed\.gz breaks off"):
        find_starts(file, "packed.gz")
