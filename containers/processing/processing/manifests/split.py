"""How a new content finds its channel: from its digest and the seed alone."""

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from processing.channels import CHANNELS

TRAIN, VALIDATION, TEST = range(len(CHANNELS))

# Digests are 32 opaque bytes to numpy, so that they can be moved in one piece.
DIGEST = np.dtype("V32")

Digests = npt.NDArray[np.void]
Codes = npt.NDArray[np.uint8]
Places = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class Split:
    """How new contents are split: fractions of all, least contents a class and channel, seed."""

    validation_fraction: float
    test_fraction: float
    minimum: int
    seed: int

    def places(self, digests: Digests) -> Places:
        """Each content's place, spread evenly over 0 … 2^64 - 1 and different for another seed.

        The first 8 bytes of the digest, shifted by the seed and mixed by SplitMix64's finaliser
        (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, OOPSLA 2014).
        """
        shift = hashlib.sha256(str(self.seed).encode()).digest()[:8]
        mixed = first_words(digests) + np.uint64(int.from_bytes(shift, "big"))
        mixed ^= mixed >> np.uint64(30)
        mixed *= np.uint64(0xBF58476D1CE4E5B9)
        mixed ^= mixed >> np.uint64(27)
        mixed *= np.uint64(0x94D049BB133111EB)
        mixed ^= mixed >> np.uint64(31)
        return mixed

    def channels(self, digests: Digests) -> Codes:
        """Each content's channel, as an index of CHANNELS."""
        places = self.places(digests)
        codes = np.full(len(digests), TRAIN, np.uint8)
        codes[places < _share_of_places(self.test_fraction + self.validation_fraction)] = VALIDATION
        codes[places < _share_of_places(self.test_fraction)] = TEST
        return codes


def first_words(digests: Digests) -> Places:
    """The first 8 bytes of each digest as numbers, which sort as the digests do."""
    return words(digests)[:, 0].astype(np.uint64)


def words(digests: Digests) -> npt.NDArray[np.uint64]:
    """Digests as [n, 4] numbers in big-endian order."""
    return np.ascontiguousarray(digests).view(">u8").reshape(-1, 4)


def _share_of_places(fraction: float) -> np.uint64:
    return np.uint64(min(int(fraction * 2**64), 2**64 - 1))
