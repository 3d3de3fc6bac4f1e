"""Makes so many distinct photographs of a size, from the two that come with scikit-learn.

Where they are enlarged they get the noise of a sensor, as they would be too easy to decode.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageOps
from sklearn.datasets import load_sample_images

NOISE = 4  # standard deviation, of 255


def main(folder: Path, count: int, size: tuple[int, int]) -> None:
    random = np.random.default_rng(7)
    photos = [Image.fromarray(pixels) for pixels in load_sample_images().images]
    for number in range(count):
        photo = photos[number % 2]
        width = int(random.integers(400, 560))
        height = width * 3 // 4
        left = int(random.integers(0, photo.width - width + 1))
        top = int(random.integers(0, photo.height - height + 1))
        picture = photo.crop((left, top, left + width, top + height))
        picture = picture.resize(size, Image.Resampling.LANCZOS)
        if random.random() < 0.5:
            picture = ImageOps.mirror(picture)
        picture = ImageEnhance.Brightness(picture).enhance(float(random.uniform(0.8, 1.2)))
        pixels = np.asarray(picture) + random.normal(0, NOISE, (size[1], size[0], 1))
        path = folder / f"photos/class-{number % 10}/{number:05d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        picture = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
        picture.save(path, quality=90, subsampling="4:2:0")


main(Path(sys.argv[1]), int(sys.argv[2]), (int(sys.argv[3]), int(sys.argv[4])))
