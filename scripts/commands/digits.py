"""Real images that need no download: scikit-learn's 1,797 handwritten digits, as JPEG files."""

from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

INK = 16  # the brightest value of a scan
QUALITY = 95


def write_digits(folder: Path, start: int = 0, stop: int | None = None) -> int:
    """Writes the scans `start` to `stop` (not included) as `<folder>/<digit>/<index>.jpg`.

    A scan is 8 x 8 pixels of 0 to 16, written as grey of 0 to 255. The same bytes come out every
    time.

    Returns:
        How many files were written.
    """
    scans = load_digits()
    indices = range(len(scans.target))[start:stop]
    for index in indices:
        grey = np.rint(scans.images[index] * (255 / INK)).astype(np.uint8)
        class_folder = folder / str(scans.target[index])
        class_folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(grey).save(class_folder / f"{index:04}.jpg", "JPEG", quality=QUALITY)
    return len(indices)
