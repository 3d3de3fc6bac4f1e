"""Whether records are dealt out as chance would: each class with about its share everywhere.

What is compared is a class's share of a part, a file or a host, with its share of the whole.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from records.index import open_index

Counts = npt.NDArray[np.int64]
Shares = npt.NDArray[np.float64]

# How rarely chance goes beyond what is called its limit.
RARE = 1e-4
MOST_DEALS = 20
# Bounds the time of it all.
COUNTS_DRAWN = 2_000_000


@dataclass(frozen=True)
class Fairness:
    """The deviations of classes' shares in parts from those in the whole, from 0 to 1.

    Attributes:
        worst: of any class in any part.
        expected: of the worst, were the same records dealt out into such parts by chance.
        of_limit: the largest ratio of a deviation to what chance exceeds, in any class and part,
            once in 10,000 deals at most. Above 1 it was not chance that dealt.
    """

    worst: float
    expected: float
    of_limit: float


def fairness(whole: Counts, parts: Iterable[Counts], sizes: Sequence[int]) -> Fairness:
    """Of records by class: int64 [classes], those of all parts and of each.

    Args:
        parts: the counts of some of the parts, in any order; read once.
        sizes: how many records each of these holds.
    """
    total = int(whole.sum())
    shares = whole / max(total, 1)
    worst = of_limit = 0.0
    for part in parts:
        size = int(part.sum())
        if size:
            deviations = np.abs(part / size - shares)
            limits = _limits(shares, size, len(whole) * len(sizes))
            worst = max(worst, float(deviations.max()))
            of_limit = max(of_limit, float((deviations / limits).max()))
    return Fairness(worst, _expected(shares, total, sizes), of_limit)


def of_files(indexes: Sequence[Path], classes: int) -> Fairness:
    """Of the files of a host, by their indexes, against all of them together."""
    whole = np.zeros(classes, np.int64)
    sizes = []
    for counts in _counted(indexes, classes):
        whole += counts
        sizes.append(int(counts.sum()))
    return fairness(whole, _counted(indexes, classes), sizes)


def _counted(indexes: Iterable[Path], classes: int) -> Iterable[Counts]:
    for path in indexes:
        yield np.bincount(open_index(path)["label"], minlength=classes)


def _limits(shares: Shares, size: int, comparisons: int) -> Shares:
    """Bernstein's inequality, which holds for draws without replacement too (Hoeffding 1963,
    https://doi.org/10.1080/01621459.1963.10500830, section 6), for all comparisons together.
    """
    logarithm = math.log(2 * comparisons / RARE)
    linear = 2 / 3 * logarithm
    roots = np.sqrt(linear**2 + 8 * size * shares * (1 - shares) * logarithm)
    limits: Shares = (linear + roots) / (2 * size)
    return limits


def _expected(shares: Shares, total: int, sizes: Sequence[int]) -> float:
    """The mean over some deals of each one's worst deviation. Records are drawn with replacement,
    and what they deviate is narrowed as it is narrower without.
    """
    random = np.random.default_rng(0)
    held = [size for size in sizes if size]
    if not held:
        return 0.0
    deals = max(1, min(MOST_DEALS, COUNTS_DRAWN // (len(held) * len(shares))))
    worst = np.zeros(deals)
    for size in held:
        drawn = random.multinomial(size, shares, deals)
        narrowing = math.sqrt((total - size) / max(total - 1, 1))
        np.maximum(worst, np.abs(drawn / size - shares).max(axis=1) * narrowing, out=worst)
    return float(worst.mean())
