"""What a folder of class folders holds, and what of it is fit to drop."""

import hashlib
import os
import stat
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from PIL import Image, UnidentifiedImageError
from rich.console import Console

from containers.drops.formats import HEAD_BYTES, format_of, refusal
from containers.drops.names import MAXIMUM_PART_BYTES, class_label, is_hidden
from scripts import CHANNELS
from scripts.console import CommandError, progress, shown

MAXIMUM_PIXELS = 100_000_000
MAXIMUM_NAME_BYTES = 900  # of the 1,024 that an S3 key may have
THREADS = 8
EXAMPLES = 3

# Pillow's own limit warns at 89 megapixels: MAXIMUM_PIXELS replaces it; nothing is decoded here.
Image.MAX_IMAGE_PIXELS = None


@dataclass(frozen=True)
class Listing:
    """Files by name, `<class label>/<file>`, and the names that are no part of the drop."""

    labels: tuple[str, ...]
    files: dict[str, Path]
    ignored: tuple[str, ...]


@dataclass(frozen=True)
class ImageFile:
    """An image that can be dropped; `size` in bytes, `sha256` in hexadecimal digits."""

    name: str
    path: Path
    size: int
    sha256: str
    content_type: str


@dataclass(frozen=True)
class Unusable:
    """A file that cannot be dropped; the reason is a clause: "is no image"."""

    name: str
    reason: str


@dataclass(frozen=True)
class Contents:
    """The images and the rest of a folder, both by name."""

    labels: tuple[str, ...]
    images: tuple[ImageFile, ...]
    unusable: tuple[Unusable, ...]

    @cached_property
    def distinct(self) -> dict[str, int]:
        """How many images of different content each class has: equal ones share a channel."""
        digests: dict[str, set[str]] = {class_label(label): set() for label in self.labels}
        for image in self.images:
            digests[class_label(image.name.partition("/")[0])].add(image.sha256)
        return {label: len(found) for label, found in digests.items()}


def list_files(folder: Path) -> Listing:
    """Finds class folders and their files; hidden names and files beside class folders are ignored.

    Names stay as the file system has them: é may be one character or two.

    Raises:
        CommandError: there is no class folder, or a folder lies within one.
    """
    labels, files, ignored = [], {}, []
    for entry in _entries(folder):
        if is_hidden(entry.name) or not _is_folder(entry):
            ignored.append(entry.name)
            continue
        labels.append(entry.name)
        for file in _entries(Path(entry.path)):
            name = f"{entry.name}/{file.name}"
            if is_hidden(file.name):
                ignored.append(name)
            elif _is_folder(file):
                raise CommandError(
                    f"{shown(file.path)} is a folder within a class folder: "
                    f"move its images into {shown(entry.path)}."
                )
            else:
                files[name] = Path(file.path)
    if not labels:
        why = (
            f"has no class folders: put the images of each class into a folder named like the "
            f"class, e.g. {shown(folder / 'cat')}"
            if ignored
            else "is empty: give a folder of class folders with images"
        )
        raise CommandError(f"{shown(folder)} {why}.")
    return Listing(tuple(labels), files, tuple(ignored))


def written_twice(labels: Iterable[str]) -> list[str]:
    """Classes that have several folders, as their names differ in their Unicode form only."""
    folders = Counter(map(class_label, labels))
    return [label for label, count in folders.items() if count > 1]


def read_images(listing: Listing, done: Callable[[], None]) -> Contents:
    """Reads each file's header and digest, several files at once; calls `done` after each."""
    files = []
    with ThreadPoolExecutor(THREADS) as pool:
        for file in pool.map(lambda item: read_image(*item), listing.files.items()):
            done()
            files.append(file)
    return Contents(
        listing.labels,
        tuple(file for file in files if isinstance(file, ImageFile)),
        tuple(file for file in files if isinstance(file, Unusable)),
    )


def read_image(name: str, path: Path) -> ImageFile | Unusable:
    """What one file is. Pixels are not decoded: the pipeline sets broken images aside itself."""
    try:
        reason = _reason_against_name(name)
        if reason is None and not stat.S_ISREG(path.stat().st_mode):
            reason = "is no regular file"  # to open a FIFO would wait for ever
        if reason is not None:
            return Unusable(name, reason)
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            file.seek(0)
            head = file.read(HEAD_BYTES)
            kind = format_of(head)
            if kind is None:
                return Unusable(name, refusal(head)[0])
            file.seek(0)
            # A photograph with further pictures behind the first is JPEG to all but Pillow.
            with Image.open(file, formats=["JPEG", "PNG", "WEBP"]) as image:
                width, height = image.size
    except UnidentifiedImageError:
        return Unusable(name, "has a header that is broken")
    except (OSError, SyntaxError, ValueError) as error:
        # A symbolic link to itself raises OSError; a damaged header what Pillow's reader met.
        return Unusable(name, f"cannot be read ({getattr(error, 'strerror', None) or error})")
    if width * height > MAXIMUM_PIXELS:
        return Unusable(name, f"has {width} x {height} pixels, above {MAXIMUM_PIXELS:,} in all")
    return ImageFile(name, path, size, sha256, kind.content_type)


def read_folder(
    listing: Listing, folder: Path, console: Console, *, skip_unusable: bool
) -> Contents:
    """Reads files and shows how many are done; raises CommandError where one can't be dropped."""
    with progress(console, "Checked", len(listing.files)) as done:
        contents = read_images(listing, done)
    if not skip_unusable:
        check_usable(contents, folder)
    return contents


def check_usable(contents: Contents, folder: Path) -> None:
    """Raises CommandError that names the first files that cannot be dropped."""
    if contents.unusable:
        count, total = len(contents.unusable), len(contents.unusable) + len(contents.images)
        examples = [f"{shown(f.name)} {f.reason}" for f in contents.unusable[:EXAMPLES]]
        raise CommandError(
            f"{count} of {total} files in {shown(folder)} cannot be dropped: {'; '.join(examples)}"
            f"{' ...' if count > EXAMPLES else ''}: remove them, or give --skip-unusable."
        )


def shortcomings(contents: Contents, folder: Path, minimum: int) -> str | None:
    """Why no pipeline could train on these images alone: a clause, or None where one could.

    minimum: distinct images that each class needs.
    """
    if len(contents.distinct) == 1:
        label = shown(contents.labels[0])
        return f"the folder {shown(folder)} has one class only, {label!r}, and needs two"
    small = {label: count for label, count in contents.distinct.items() if count < minimum}
    if not small:
        return None
    some = ", ".join(
        f"{shown(label)!r} has {count}" for label, count in list(small.items())[:EXAMPLES]
    )
    more = " ..." if len(small) > EXAMPLES else ""
    return f"each class in {shown(folder)} needs {minimum} different images and {some}{more}"


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return sorted(found, key=lambda entry: entry.name)
    except OSError as error:
        raise CommandError(
            f"{shown(folder)} cannot be read ({error.strerror}): give a folder of class folders."
        ) from error


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a symbolic link to itself: read_image says so
        return False


def _reason_against_name(name: str) -> str | None:
    if any("\ud800" <= c <= "\udfff" for c in name):
        return "has a name that is not UTF-8"
    if any(c < " " or c == "\x7f" for c in name):
        return "has a control character in its name"
    if len(name.encode()) > MAXIMUM_NAME_BYTES:
        return f"has a name of more than {MAXIMUM_NAME_BYTES} bytes"
    if any(len(part.encode()) > MAXIMUM_PART_BYTES for part in name.split("/")):
        return f"has a part of more than {MAXIMUM_PART_BYTES} bytes in its name"
    return None


def check_trainable(folder: Path, console: Console, *, skip_unusable: bool = False) -> None:
    """Raises CommandError where no pipeline could train on a folder, before anything takes time."""
    contents = read_folder(list_files(folder), folder, console, skip_unusable=skip_unusable)
    lacking = shortcomings(contents, folder, len(CHANNELS))
    if lacking is not None:
        raise CommandError(f"{lacking[0].upper()}{lacking[1:]}: add images and run it again.")
