"""The data sets that a rehearsal can bring itself, and the settings that suit each.

The digits need no download: they are scikit-learn's 1,797 handwritten ones, as JPEG files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from scripts.images.cifar10 import write_cifar10

INK = 16  # the brightest value of a scan
QUALITY = 95


def write_digits(folder: Path, start: int = 0, stop: int | None = None) -> int:
    """Writes the scans `start` to `stop` (not included) as `<folder>/<digit>/<index>.jpg`.

    A scan is 8 x 8 pixels of 0 to 16, written as grey of 0 to 255. The same bytes come out every
    time.

    Returns:
        How many files were written.
    """
    from sklearn.datasets import load_digits  # noqa: PLC0415 - it takes seconds

    scans = load_digits()
    indices = range(len(scans.target))[start:stop]
    for index in indices:
        grey = np.rint(scans.images[index] * (255 / INK)).astype(np.uint8)
        class_folder = folder / str(scans.target[index])
        class_folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(grey).save(class_folder / f"{index:04}.jpg", "JPEG", quality=QUALITY)
    return len(indices)


@dataclass(frozen=True)
class DataSet:
    """Images of classes.

    Attributes:
        title: what they show, in the plural.
        write: writes them into a folder of class folders, and returns how many.
        context: CDK context, where dev's settings don't suit them.
    """

    title: str
    write: Callable[[Path], int]
    context: Mapping[str, str] = field(default_factory=dict)


DEFAULT = "digits"
DATA_SETS = {
    DEFAULT: DataSet("handwritten digits", write_digits),
    # dev's small network reaches 0.59 of them after 15 epochs; guessing gives 0.10.
    "cifar10": DataSet(
        "photographs of CIFAR-10",
        write_cifar10,
        {"training.epochs": "15", "evaluation.accuracy_threshold": "0.5"},
    ),
}
