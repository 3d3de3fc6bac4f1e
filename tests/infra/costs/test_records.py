"""How large a record is taken to be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.costs.records import OVERHEAD, RecordFormat

SIZES = st.integers(8, 1024)
QUALITIES = st.integers(1, 100)


def test_a_raw_record_is_its_pixels_and_what_is_beside_them():
    assert RecordFormat(224, "raw", 95, "4:4:4").bytes == 224 * 224 * 3 + OVERHEAD


@pytest.mark.parametrize(
    ("encoding", "quality", "subsampling", "kib"),
    [
        ("jpeg", 95, "4:4:4", 32),
        ("jpeg", 95, "4:2:0", 23),
        ("jpeg", 90, "4:2:0", 17),
        ("png", 95, "4:4:4", 94),
    ],
)
def test_a_photograph_takes_about_what_was_measured(encoding, quality, subsampling, kib):
    record = RecordFormat(224, encoding, quality, subsampling)
    assert record.bytes / 1024 == pytest.approx(kib, rel=0.05)


@given(size=SIZES, qualities=st.tuples(QUALITIES, QUALITIES))
def test_a_better_jpeg_is_never_smaller_and_fewer_colours_never_larger(size, qualities):
    low, high = sorted(qualities)
    assert _jpeg(size, low, "4:4:4") <= _jpeg(size, high, "4:4:4")
    assert _jpeg(size, high, "4:2:0") <= _jpeg(size, high, "4:4:4")


@given(size=st.integers(64, 1024), quality=QUALITIES)
def test_from_64_pixels_on_a_jpeg_is_smaller_than_its_pixels(size, quality):
    assert _jpeg(size, quality, "4:4:4") < RecordFormat(size, "raw", 95, "4:4:4").bytes


def _jpeg(size, quality, subsampling):
    return RecordFormat(size, "jpeg", quality, subsampling).bytes
