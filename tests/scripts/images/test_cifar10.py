from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scripts.images.data_sets import CIFAR10_CLASSES, write_cifar10


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.glob("*/*.png")
    }


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photographs")
    assert write_cifar10(folder) == 10_000
    return folder


def test_each_of_the_ten_classes_has_1000_photographs(photographs: Path) -> None:
    counts = Counter(file.parent.name for file in photographs.glob("*/*.png"))
    assert counts == dict.fromkeys(CIFAR10_CLASSES, 1000)


def test_they_are_in_colour_and_hardly_one_is_there_twice(photographs: Path) -> None:
    contents = files_of(photographs)
    assert len(set(contents.values())) > 9_990

    with Image.open(photographs / "cat" / "00000.png") as image:
        assert (image.format, image.mode, image.size) == ("PNG", "RGB", (32, 32))
        pixels = np.asarray(image, dtype=float)
    # The first photograph of the batch: a cat, reddish, before a wall.
    assert pixels.std() > 20
    assert np.abs(pixels[..., 0] - pixels[..., 2]).mean() > 10


def test_classes_differ_as_photographs_do(photographs: Path) -> None:
    """Ships lie in blue, deer stand in green: labels that were mixed up would show neither."""

    def mean_colour(label: str) -> np.ndarray:
        files = sorted((photographs / label).iterdir())[:300]
        return np.mean([np.asarray(Image.open(file)).mean(axis=(0, 1)) for file in files], axis=0)

    ship, deer = mean_colour("ship"), mean_colour("deer")
    assert ship[2] > ship[0] + 5
    assert deer[2] < deer[0] - 5


def test_the_same_bytes_come_out_every_time(photographs: Path, tmp_path: Path) -> None:
    write_cifar10(tmp_path, 100, 150)

    written = files_of(tmp_path)
    assert len(written) == 50
    assert written.items() <= files_of(photographs).items()


def test_two_ranges_share_no_file(tmp_path: Path) -> None:
    write_cifar10(tmp_path / "first", stop=40)
    write_cifar10(tmp_path / "second", 40, 60)

    first, second = files_of(tmp_path / "first"), files_of(tmp_path / "second")
    assert (len(first), len(second)) == (40, 20)
    assert not first.keys() & second.keys()
