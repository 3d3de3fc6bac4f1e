"""Spreads numbers evenly, the same on every machine: orders and permutations follow from it."""

import numpy as np
import numpy.typing as npt


def spread(numbers: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Other numbers for these, spread evenly over 0 … 2^64 - 1.

    SplitMix64's finaliser (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators,
    OOPSLA 2014, https://doi.org/10.1145/2660193.2660195).
    """
    mixed = numbers ^ (numbers >> np.uint64(30))
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(27)
    mixed *= np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return mixed
