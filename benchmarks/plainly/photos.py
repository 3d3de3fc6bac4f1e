"""Makes so many distinct photographs, 640 x 480, from the two that come with scikit-learn."""

import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageOps
from sklearn.datasets import load_sample_images


def main(folder: Path, count: int) -> None:
    random = np.random.default_rng(7)
    photos = [Image.fromarray(pixels) for pixels in load_sample_images().images]
    for number in range(count):
        photo = photos[number % 2]
        width = int(random.integers(400, photo.width + 1))
        height = width * 3 // 4
        left = int(random.integers(0, photo.width - width + 1))
        top = int(random.integers(0, max(photo.height - height, 0) + 1))
        picture = photo.crop((left, top, left + width, min(top + height, photo.height)))
        picture = picture.resize((640, 480), Image.Resampling.LANCZOS)
        if random.random() < 0.5:
            picture = ImageOps.mirror(picture)
        picture = ImageEnhance.Brightness(picture).enhance(float(random.uniform(0.8, 1.2)))
        path = folder / f"photos/class-{number % 10}/{number:05d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        picture.save(path, quality=90, subsampling="4:2:0")


main(Path(sys.argv[1]), int(sys.argv[2]))
