"""How large a record is and how long its encoding takes, from what photographs took.

Estimates: 200 square parts of two photographs at 224 x 224, encoded as ShardImages does (quality by
quality, OpenCV 5.0 on one core of an AMD EPYC). What a run really took stands in the reports of its
ShardImages hosts.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

# Bytes of a record beside its image: key, label, protocol buffer, TFRecord's own, its index.
OVERHEAD = 150
# Bytes of a record in the index, which is a file of its own on every host.
INDEX_BYTES = 16
# Tables and markers of a JPEG, whatever its size.
_JPEG_HEADERS = 600
# Bytes a pixel by quality and subsampling; between these, along a line.
_QUALITIES = (1, 30, 50, 75, 85, 90, 95, 98, 100)
_JPEG = {
    "4:4:4": (0.03, 0.11, 0.16, 0.25, 0.34, 0.44, 0.64, 0.95, 1.46),
    "4:2:0": (0.02, 0.09, 0.12, 0.19, 0.26, 0.32, 0.45, 0.63, 0.86),
}
_PNG = 1.9
_RAW = 3
# vCPU-seconds a pixel.
_SECONDS = {"raw": 0.0, "jpeg": 22e-9, "png": 78e-9}


@dataclass(frozen=True)
class RecordFormat:
    """How ShardImages is told to write records.

    Attributes:
        image_size: side in pixels.
    """

    image_size: int
    encoding: str
    jpeg_quality: int
    jpeg_subsampling: str

    @classmethod
    def of(cls, options: Mapping[str, str]) -> Self:
        """Of the step's options."""
        return cls(
            int(options["image_size"]),
            options["encoding"],
            int(options["jpeg_quality"]),
            options["jpeg_subsampling"],
        )

    @property
    def bytes(self) -> float:
        """Of a record, with its part of the index."""
        pixels = self.image_size**2
        if self.encoding == "jpeg":
            each = _between(_JPEG[self.jpeg_subsampling], self.jpeg_quality)
            return pixels * each + _JPEG_HEADERS + OVERHEAD
        return pixels * (_PNG if self.encoding == "png" else _RAW) + OVERHEAD

    @property
    def encoding_seconds(self) -> float:
        """Of one vCPU, for a record."""
        return encoding_seconds(self.encoding, self.image_size)


def encoding_seconds(encoding: str, image_size: int) -> float:
    """Of one vCPU, for a record of an image of that side."""
    return image_size**2 * _SECONDS[encoding]


def _between(known: Sequence[float], quality: int) -> float:
    place = max(1, bisect_left(_QUALITIES, quality))
    low, high = _QUALITIES[place - 1 : place + 1]
    less, more = known[place - 1 : place + 1]
    return less + (more - less) * (quality - low) / (high - low)
