"""Sizes, times and counts as people write them: 180KB, 6h, 5M."""

import re
from collections.abc import Mapping

_NUMBER = r"\s*([0-9]+(?:[.][0-9]+)?)\s*([A-Za-z]*)\s*"
_BYTES = {
    "": 1, "b": 1, "kb": 1e3, "mb": 1e6, "gb": 1e9, "kib": 2**10, "mib": 2**20, "gib": 2**30,
}  # fmt: skip
_SECONDS = {"s": 1, "min": 60, "m": 60, "h": 3600, "d": 86400}
_COUNTS = {"": 1, "k": 1e3, "m": 1e6}


class QuantityError(ValueError):
    """A text is no such quantity; the message says which and how to write one."""


def parse_bytes(text: str) -> float:
    """`180KB` is 180,000, `180KiB` 184,320; QuantityError where it is none, or not more than 0."""
    return _parse(text, _BYTES, "size", "180KB, 1.5MB or 2048")


def parse_seconds(text: str) -> float:
    """`6h`, `90min` or `1h30min`; QuantityError where it is none, or not more than 0."""
    parts = re.findall(r"[0-9.]+\s*[A-Za-z]+", text)
    if not parts or "".join(parts).replace(" ", "") != text.replace(" ", ""):
        raise QuantityError(f"{text!r} is no time: write it like 6h, 90min or 1h30min")
    return sum(_parse(part, _SECONDS, "time", "6h, 90min or 1h30min") for part in parts)


def parse_count(text: str) -> int:
    """`5000000`, `5_000_000` or `5M`; QuantityError where it is none, not whole, or not above 0."""
    count = _parse(text.replace("_", "").replace(",", ""), _COUNTS, "number", "5000000 or 5M")
    if count != int(count):
        raise QuantityError(f"{text!r} is no whole number: write it like 5000000 or 5M")
    return int(count)


def _parse(text: str, units: Mapping[str, float], what: str, example: str) -> float:
    match = re.fullmatch(_NUMBER, text)
    if match is None or match[2].lower() not in units:
        raise QuantityError(f"{text!r} is no {what}: write it like {example}")
    value = float(match[1]) * units[match[2].lower()]
    if value <= 0:
        raise QuantityError(f"{text!r} is no {what} to plan with: give more than 0")
    return value


def format_seconds(seconds: float) -> str:
    """`3 h 05 min`, `12 min`, `3 min 20 s`, `40 s`."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 600:
        minutes, rest = divmod(round(seconds), 60)
        return f"{minutes} min {rest:02} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,} h {minutes:02} min"


def format_bytes(size: float) -> str:
    """`180 KB`, `2.1 GB`."""
    for unit, factor in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("KB", 1e3)):
        if size >= factor:
            return f"{size / factor:,.3g} {unit}"
    return f"{size:.0f} B"


def format_usd(usd: float) -> str:
    """`12.30 USD`; below ten cents with as many digits as tell something."""
    return f"{usd:,.2f} USD" if usd >= 0.1 else f"{usd:.2g} USD"
