"""How an image lies in its record: as raw pixels, or as a JPEG or PNG file of exactly that size."""

from dataclasses import dataclass
from typing import Literal, get_args

import cv2
import numpy as np
import numpy.typing as npt

Name = Literal["raw", "jpeg", "png"]
NAMES: tuple[Name, ...] = get_args(Name)
SUBSAMPLINGS = {
    "4:4:4": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    "4:2:0": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420,
}

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Encoding:
    """The same pixels give the same bytes.

    Attributes:
        jpeg_quality: 1 to 100, of libjpeg.
        jpeg_subsampling: of SUBSAMPLINGS.
    """

    name: Name
    jpeg_quality: int
    jpeg_subsampling: str

    def encode(self, pixels: Pixels) -> Pixels | bytes:
        """What a record holds of pixels uint8 [size, size, 3], RGB. It runs beside other threads:
        OpenCV does not hold Python's lock as it encodes.
        """
        if self.name == "raw":
            return pixels
        done, file = cv2.imencode(f".{self.name}", pixels[..., ::-1], self._options())
        if not done:
            raise RuntimeError(f"OpenCV wrote no {self.name} of {pixels.shape} pixels.")
        return file.tobytes()

    def _options(self) -> list[int]:
        if self.name == "png":
            # Level 6 takes three times as long, for a twentieth of the bytes.
            return [cv2.IMWRITE_PNG_COMPRESSION, 1]
        # Codes of its own for each picture take half a millisecond at 224 x 224, once, for 4 % of
        # the bytes and 2 % of the time that each epoch decodes.
        return [
            cv2.IMWRITE_JPEG_QUALITY,
            self.jpeg_quality,
            cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
            SUBSAMPLINGS[self.jpeg_subsampling],
            cv2.IMWRITE_JPEG_OPTIMIZE,
            1,
        ]

    @property
    def is_lossy(self) -> bool:
        """Whether a record's pixels differ from those of the image."""
        return self.name == "jpeg"


def squared_error(pixels: Pixels, jpeg: bytes) -> float:
    """The mean of the squared differences between pixels and what is left of them in a JPEG."""
    left = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR_RGB)
    if left is None:
        raise RuntimeError("OpenCV does not read the JPEG that it wrote.")
    return float(np.mean((left.astype(np.float64) - pixels) ** 2))
