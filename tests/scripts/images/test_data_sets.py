from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from infra.settings import load
from scripts.images.data_sets import DATA_SETS, DEFAULT, write_digits


@pytest.mark.parametrize("name", sorted(DATA_SETS))
def test_what_a_data_set_sets_otherwise_is_a_setting_that_dev_takes(name: str) -> None:
    context = DATA_SETS[name].context

    settings, plain = load("dev", context), load("dev")
    assert (settings == plain) == (not context)


@pytest.mark.parametrize("name", sorted(DATA_SETS))
def test_a_data_set_is_written_into_class_folders(name: str, tmp_path: Path) -> None:
    count = DATA_SETS[name].write(tmp_path)

    assert count == len(list(tmp_path.glob("*/*"))) >= 1000
    assert len(list(tmp_path.iterdir())) >= 5


def test_the_digits_are_rehearsed_with_where_nothing_is_said() -> None:
    assert DEFAULT == "digits"


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.glob("*/*.jpg")
    }


def test_all_1797_scans_are_written_into_ten_class_folders(tmp_path: Path) -> None:
    assert write_digits(tmp_path) == 1797
    assert len(files_of(tmp_path)) == 1797
    assert {folder.name for folder in tmp_path.iterdir()} == set("0123456789")


def test_the_same_bytes_come_out_every_time(tmp_path: Path) -> None:
    write_digits(tmp_path / "a", stop=50)
    write_digits(tmp_path / "b", stop=50)

    assert files_of(tmp_path / "a") == files_of(tmp_path / "b")


def test_two_ranges_share_no_file_and_make_up_the_whole(tmp_path: Path) -> None:
    write_digits(tmp_path / "all", stop=60)
    write_digits(tmp_path / "first", stop=40)
    write_digits(tmp_path / "second", start=40, stop=60)

    first, second = files_of(tmp_path / "first"), files_of(tmp_path / "second")
    assert not first.keys() & second.keys()
    assert first | second == files_of(tmp_path / "all")


def test_a_file_shows_its_scan_in_grey(tmp_path: Path) -> None:
    # Not at the top: it would take each collection a second.
    from sklearn.datasets import load_digits

    write_digits(tmp_path, stop=1)

    with Image.open(tmp_path / "0" / "0000.jpg") as image:
        assert (image.format, image.mode, image.size) == ("JPEG", "L", (8, 8))
        shown = np.asarray(image, dtype=float)
    assert np.abs(shown - load_digits().images[0] * 255 / 16).mean() < 4
