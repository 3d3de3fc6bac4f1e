"""A model's archive, as TrainModel makes it, and what it says of itself."""

from __future__ import annotations

import json
import shutil
import tarfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.errors import UserError


@dataclass(frozen=True)
class Model:
    """An unpacked model.

    Attributes:
        name: what sentences call it, as in "the serving model".
        labels: class labels in the order of their encoding.
        image_size: side of the images that it takes, in pixels.
    """

    name: str
    folder: Path
    labels: tuple[str, ...]
    image_size: int

    @property
    def saved_model(self) -> Path:
        return self.folder / "saved_model"


def unpack(archive: Path, folder: Path, name: str) -> None:
    """Fills `folder` with the archive's content and nothing else.

    Raises:
        UserError: it is no archive, or not there.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        with tarfile.open(archive) as content:
            content.extractall(folder, filter="data")
    except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
        raise UserError(
            f"The archive of the {name}, {archive}, cannot be unpacked ({error}): make it "
            "again with TrainModel."
        ) from error


def describe(folder: Path, name: str) -> Model:
    """The model that was unpacked into `folder`.

    Raises:
        UserError: the archive lacks its description or its SavedModel.
    """
    file = folder / "model.json"
    try:
        description = json.loads(file.read_text(encoding="utf-8"))
        model = Model(name, folder, _labels(description["labels"]), _size(description))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"The archive of the {name} has no usable {file.name} ({error!r}): was it made by "
            "TrainModel?"
        ) from error
    if not (model.saved_model / "saved_model.pb").is_file():
        raise UserError(
            f"The archive of the {name} has no saved_model/saved_model.pb: was it made by "
            "TrainModel?"
        )
    return model


def _labels(found: Any) -> tuple[str, ...]:
    if not isinstance(found, list) or not found or not all(isinstance(one, str) for one in found):
        raise ValueError("labels are no list of strings")
    if len(set(found)) != len(found):
        raise ValueError("a label stands twice")
    return tuple(found)


def _size(description: dict[str, Any]) -> int:
    size = description["image_size"]
    if not isinstance(size, int) or size < 1:
        raise ValueError(f"image_size is {size!r}")
    return size
