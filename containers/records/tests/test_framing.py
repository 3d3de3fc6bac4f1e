"""Frames of records."""

import struct

from crc32c import crc32c

from records.framing import framed, masked


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
