"""A record has the bytes that protobuf and TensorFlow would write."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tfrecord import example_pb2

from records.writer import image_record


@given(st.integers(0, 2**63 - 1), st.text(st.characters(codec="utf-8")), st.integers(1, 90))
def test_a_record_is_what_protobuf_writes(label, key, size):
    pixels = np.full((size, size, 3), size, np.uint8)
    features = {
        "image": example_pb2.Feature(bytes_list=example_pb2.BytesList(value=[pixels.tobytes()])),
        "label": example_pb2.Feature(int64_list=example_pb2.Int64List(value=[label])),
        "key": example_pb2.Feature(bytes_list=example_pb2.BytesList(value=[key.encode()])),
    }
    example = example_pb2.Example(features=example_pb2.Features(feature=features))
    expected = example.SerializeToString(deterministic=True)
    for image in (pixels, pixels.tobytes()):
        written = b"".join(image_record(image, label, key))
        assert written[12:-4] == expected
