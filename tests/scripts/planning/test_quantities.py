"""Sizes, times and counts as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.planning.quantities import (
    QuantityError,
    format_bytes,
    format_seconds,
    format_usd,
    parse_bytes,
    parse_count,
    parse_seconds,
)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("180KB", 180_000), ("180 kb", 180_000), ("180KiB", 184_320), ("1.5MB", 1_500_000),
        ("2048", 2048), ("2048B", 2048), ("1GB", 1e9),
    ],
)  # fmt: skip
def test_sizes_are_read(text, size):
    assert parse_bytes(text) == size


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("6h", 21_600), ("90min", 5400), ("90m", 5400), ("1h30min", 5400), ("1 h 30 min", 5400),
     ("45s", 45), ("1.5h", 5400), ("2d", 172_800)],
)  # fmt: skip
def test_times_are_read(text, seconds):
    assert parse_seconds(text) == seconds


@pytest.mark.parametrize(
    ("text", "count"), [("5000000", 5_000_000), ("5_000_000", 5_000_000), ("5M", 5_000_000),
                        ("5,000,000", 5_000_000), ("1.5k", 1500)],
)  # fmt: skip
def test_counts_are_read(text, count):
    assert parse_count(text) == count


@pytest.mark.parametrize(
    ("parse", "text", "said"),
    [
        (parse_bytes, "180 pages", "'180 pages' is no size: write it like 180KB"),
        (parse_bytes, "-1KB", "is no size: write it like"),
        (parse_bytes, "0KB", "'0KB' is no size to plan with: give more than 0"),
        (parse_seconds, "soon", "'soon' is no time: write it like 6h"),
        (parse_seconds, "6", "'6' is no time: write it like 6h"),
        (parse_seconds, "6h and a bit", "is no time: write it like 6h"),
        (parse_count, "0", "'0' is no number to plan with: give more than 0"),
        (parse_count, "1.5", "'1.5' is no whole number"),
        (parse_count, "many", "'many' is no number: write it like 5000000"),
        (parse_count, "", "'' is no number"),
    ],
)
def test_nonsense_is_refused_with_an_example(parse, text, said):
    with pytest.raises(QuantityError) as raised:
        parse(text)
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (59, "59 s"), (200, "3 min 20 s"), (599.7, "10 min 00 s"), (600, "10 min"),
     (3600, "1 h 00 min"), (11_100, "3 h 05 min"), (4_000_000, "1,111 h 07 min")],
)  # fmt: skip
def test_times_are_told(seconds, text):
    assert format_seconds(seconds) == text


@given(st.floats(0, 1e9))
def test_no_time_is_format_with_sixty_of_anything(seconds):
    assert "60" not in format_seconds(seconds).replace(",", "").split(" h ")[-1]


def test_sizes_and_money_are_told():
    assert [format_bytes(size) for size in (12, 180e3, 9e11)] == ["12 B", "180 KB", "900 GB"]
    assert [format_usd(usd) for usd in (1234.5, 0.1, 0.0123)] == [
        "1,234.50 USD", "0.10 USD", "0.012 USD"
    ]  # fmt: skip
