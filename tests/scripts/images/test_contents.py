import os
import unicodedata
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from scripts.console import CommandError
from scripts.images.contents import (
    Contents,
    Unusable,
    check_usable,
    list_files,
    read_images,
    shortcomings,
)


def read(folder: Path) -> Contents:
    return read_images(list_files(folder), lambda: None)


def unusable(folder: Path) -> dict[str, str]:
    return {file.name: file.reason for file in read(folder).unusable}


def names(contents: Contents) -> set[str]:
    return {image.name for image in contents.images}


def test_images_are_found_by_their_bytes_and_not_by_their_names(
    tmp_path: Path, write_image: Callable[..., Path]
) -> None:
    write_image(tmp_path / "cat" / "photo.txt", kind="JPEG")
    write_image(tmp_path / "cat" / "photo", kind="PNG")

    assert {i.name: i.content_type for i in read(tmp_path).images} == {
        "cat/photo.txt": "image/jpeg",
        "cat/photo": "image/png",
    }


def test_photographs_with_more_pictures_behind_the_first_and_webp_are_taken(
    tmp_path: Path, write_image: Callable[..., Path]
) -> None:
    write_image(tmp_path / "cat" / "webp.jpg", kind="WEBP")
    first, second = (Image.new("RGB", (8, 8), colour) for colour in ("red", "blue"))
    first.save(tmp_path / "cat" / "_DSC0001.JPG", "MPO", save_all=True, append_images=[second])

    assert {i.name: i.content_type for i in read(tmp_path).images} == {
        "cat/webp.jpg": "image/webp",
        "cat/_DSC0001.JPG": "image/jpeg",
    }


def test_what_systems_lay_down_beside_images_is_ignored(
    tmp_path: Path, write_image: Callable[..., Path]
) -> None:
    write_image(tmp_path / "cat" / "1.png")
    for name in ("Thumbs.db", "desktop.ini", "._1.png", "_SUCCESS"):
        (tmp_path / "cat" / name).write_bytes(b"x")
    (tmp_path / "__MACOSX").mkdir()

    assert list(list_files(tmp_path).files) == ["cat/1.png"]


@pytest.mark.parametrize(
    "name",
    ["a b.png", "a#b.png", "a+b.png", "é.png", "日本.png", "100%.png", "a?b&c=d.png", "'\".png"],
)
def test_names_stay_as_they_are(
    tmp_path: Path, name: str, write_image: Callable[..., Path]
) -> None:
    write_image(tmp_path / "日本 é#+" / name)

    assert names(read(tmp_path)) == {f"日本 é#+/{name}"}


def test_a_letter_of_one_character_and_of_two_make_two_names(
    tmp_path: Path, write_image: Callable[..., Path]
) -> None:
    composed, decomposed = (unicodedata.normalize(form, "é.png") for form in ("NFC", "NFD"))
    write_image(tmp_path / "cat" / composed)
    write_image(tmp_path / "cat" / decomposed)

    assert names(read(tmp_path)) == {f"cat/{composed}", f"cat/{decomposed}"}


def test_hidden_files_and_files_beside_class_folders_are_ignored(
    tmp_path: Path, write_image: Callable[..., Path]
) -> None:
    write_image(tmp_path / "cat" / "1.png")
    for name in ("cat/.DS_Store", ".DS_Store", ".git/config", "README.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("no image")

    listing = list_files(tmp_path)
    assert list(listing.files) == ["cat/1.png"]
    assert set(listing.ignored) == {"cat/.DS_Store", ".DS_Store", ".git", "README.txt"}


def test_a_folder_that_is_missing_empty_or_without_classes_is_refused(
    tmp_path: Path, write_image: Callable[..., Path]
) -> None:
    with pytest.raises(CommandError, match="nowhere cannot be read"):
        list_files(tmp_path / "nowhere")
    with pytest.raises(CommandError, match="is empty"):
        list_files(tmp_path)
    write_image(tmp_path / "1.png")
    with pytest.raises(CommandError, match="has no class folders"):
        list_files(tmp_path)
    with pytest.raises(CommandError, match=r"1\.png cannot be read \(Not a directory\)"):
        list_files(tmp_path / "1.png")


def test_a_folder_within_a_class_folder_is_refused(
    tmp_path: Path, write_image: Callable[..., Path]
) -> None:
    write_image(tmp_path / "cat" / "tabby" / "1.png")

    with pytest.raises(CommandError, match="is a folder within a class folder"):
        list_files(tmp_path)


def test_files_that_are_no_images_are_named_with_the_reason(
    tmp_path: Path, write_image: Callable[..., Path]
) -> None:
    folder = tmp_path / "cat"
    write_image(folder / "good.png")
    (folder / "empty.jpg").touch()
    (folder / "text.jpg").write_text("no image")
    write_image(folder / "other.gif", kind="GIF")
    os.mkfifo(folder / "pipe.jpg")
    (folder / "loop.jpg").symlink_to("loop.jpg")
    (folder / "lost.jpg").symlink_to("nowhere.jpg")
    (folder / "line\nbreak.png").write_bytes((folder / "good.png").read_bytes())
    (folder / "_SUCCESS").write_bytes((folder / "good.png").read_bytes())
    (folder / "short.png").write_bytes((folder / "good.png").read_bytes()[:20])

    found = unusable(tmp_path)
    assert found["cat/empty.jpg"] == "is empty (0 bytes)"
    assert found["cat/text.jpg"] == "is no JPEG, PNG or WebP image"
    assert found["cat/other.gif"].startswith("is a GIF image")
    assert found["cat/pipe.jpg"] == "is no regular file"
    assert found["cat/loop.jpg"] == "cannot be read (Too many levels of symbolic links)"
    assert found["cat/lost.jpg"] == "cannot be read (No such file or directory)"
    assert found["cat/line\nbreak.png"] == "has a control character in its name"
    assert "cat/_SUCCESS" not in found
    assert "cat/short.png" in found
    assert names(read(tmp_path)) == {"cat/good.png"}


def test_a_name_that_is_not_utf_8_cannot_be_dropped(tmp_path: Path) -> None:
    (tmp_path / "cat").mkdir()
    (tmp_path / os.fsdecode(b"cat/\xff.png")).touch()

    assert list(unusable(tmp_path).values()) == ["has a name that is not UTF-8"]


def test_symbolic_links_to_images_and_class_folders_are_followed(
    tmp_path: Path, write_image: Callable[..., Path]
) -> None:
    write_image(tmp_path / "elsewhere" / "1.png")
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat").symlink_to(tmp_path / "elsewhere")

    assert names(read(tmp_path / "photos")) == {"cat/1.png"}


def test_a_symbolic_link_to_the_folder_itself_is_refused(
    tmp_path: Path, write_image: Callable[..., Path]
) -> None:
    write_image(tmp_path / "cat" / "1.png")
    (tmp_path / "loop").symlink_to(tmp_path)

    with pytest.raises(CommandError, match="is a folder within a class folder"):
        list_files(tmp_path)


def test_an_image_above_100_megapixels_cannot_be_dropped(tmp_path: Path) -> None:
    (tmp_path / "cat").mkdir()
    Image.new("1", (20_000, 20_000)).save(tmp_path / "cat" / "huge.png")

    assert unusable(tmp_path) == {
        "cat/huge.png": "has 20000 x 20000 pixels, above 100,000,000 in all"
    }


def test_an_image_of_1_x_1_can_be_dropped(tmp_path: Path, write_image: Callable[..., Path]) -> None:
    write_image(tmp_path / "cat" / "1.png", size=1)

    assert names(read(tmp_path)) == {"cat/1.png"}


def test_a_header_that_lies_is_a_reason_and_no_crash(
    tmp_path: Path, write_image: Callable[..., Path]
) -> None:
    image = write_image(tmp_path / "cat" / "1.png")
    data = bytearray(image.read_bytes())
    data[16:20] = bytes(4)  # a width of 0, with a checksum that fits
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4)
    image.write_bytes(data)

    assert len(read(tmp_path).images) + len(read(tmp_path).unusable) == 1


def test_the_refusal_names_the_first_files_and_how_many_there_are(tmp_path: Path) -> None:
    bad = tuple(Unusable(f"cat/{number}.txt", "is no JPEG or PNG image") for number in range(5))

    with pytest.raises(CommandError) as refusal:
        check_usable(Contents(("cat",), (), bad), tmp_path)
    assert "5 of 5 files" in str(refusal.value)
    assert "cat/0.txt is no JPEG or PNG image; cat/1.txt" in str(refusal.value)
    assert "cat/3.txt" not in str(refusal.value)
    assert "--skip-unusable" in str(refusal.value)


def test_one_class_alone_falls_short(tmp_path: Path, write_image: Callable[..., Path]) -> None:
    write_image(tmp_path / "cat" / "1.png")

    assert "has one class only, 'cat'" in str(shortcomings(read(tmp_path), tmp_path, 1))


def test_a_class_with_too_few_images_falls_short(photos: Path) -> None:
    assert shortcomings(read(photos), photos, 4) is None
    assert "'cat' has 4, 'dog' has 4" in str(shortcomings(read(photos), photos, 5))


def test_a_class_folder_without_images_falls_short(photos: Path) -> None:
    (photos / "bird").mkdir()

    assert "'bird' has 0" in str(shortcomings(read(photos), photos, 3))


def test_images_of_equal_content_count_once(photos: Path) -> None:
    for copy in range(3):
        (photos / "cat" / f"copy{copy}.png").write_bytes((photos / "cat" / "1.png").read_bytes())

    assert read(photos).distinct == {"cat": 4, "dog": 4}
