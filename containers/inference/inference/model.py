"""The model folder as training wrote it, and what every runtime makes of it.

A runtime gives a model in memory: pixels in, probabilities out.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

SCHEMA = 1


class UnusableModelError(Exception):
    """The model folder cannot be served; the message is one sentence that says why."""


@dataclass(frozen=True)
class Artifact:
    """What `model.json` says, and where the SavedModel lies.

    Attributes:
        folder: the model folder.
        image_size: width and height in pixels that the model takes.
        labels: class labels; a label's index is the model's output index.
    """

    folder: Path
    image_size: int
    labels: tuple[str, ...]

    @property
    def saved_model(self) -> Path:
        """The folder of the SavedModel."""
        return self.folder / "saved_model"


def read_artifact(folder: Path) -> Artifact:
    """Reads `model.json` of a model folder and finds the SavedModel beside it.

    Raises:
        UnusableModelError: a file is missing or says what cannot be.
    """
    description = _read_json(folder / "model.json")
    if description.get("schema") != SCHEMA:
        raise UnusableModelError(
            f"{folder / 'model.json'} has schema {description.get('schema')!r}, "
            f"and this server reads schema {SCHEMA}: serve the model with its own release's image."
        )
    saved_model = folder / "saved_model"
    if not (saved_model / "saved_model.pb").is_file():
        raise UnusableModelError(
            f"{saved_model} holds no saved_model.pb: train the model again or give another folder."
        )
    return Artifact(
        folder=folder,
        image_size=_image_size(description, folder),
        labels=_labels(description, folder),
    )


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UnusableModelError(
            f"{path} cannot be read ({error.strerror}): give the folder that training wrote."
        ) from error
    except ValueError as error:
        raise UnusableModelError(
            f"{path} is no JSON ({error}): train the model again or give another folder."
        ) from error
    if not isinstance(content, dict):
        raise UnusableModelError(
            f"{path} holds no JSON object: give the folder that training wrote."
        )
    return content


def _image_size(description: dict[str, Any], folder: Path) -> int:
    size = description.get("image_size")
    if not isinstance(size, int) or isinstance(size, bool) or size < 1:
        raise UnusableModelError(
            f"{folder / 'model.json'} has image_size {size!r}: it must be pixels, 1 or more."
        )
    return size


def _labels(description: dict[str, Any], folder: Path) -> tuple[str, ...]:
    labels = description.get("labels")
    if (
        not isinstance(labels, list)
        or not labels
        or not all(isinstance(label, str) for label in labels)
        or len(set(labels)) < len(labels)
    ):
        raise UnusableModelError(
            f"{folder / 'model.json'} has labels {labels!r}: it must be a list of different texts."
        )
    return tuple(labels)


SIGNATURE = "serving_default"
INPUT = "images"
OUTPUT = "probabilities"

Images = npt.NDArray[np.uint8]
Probabilities = npt.NDArray[np.float32]
Session = Callable[[Images], Probabilities]
"""Uint8 [n, size, size, 3] to float32 [n, classes]; for one thread at a time."""


class Model(Protocol):
    """A SavedModel that a runtime has loaded, and whose signature it has checked."""

    runtime: str

    def session(self) -> Session:
        """What one thread asks the model with."""


def no_signature(artifact: Artifact) -> UnusableModelError:
    """What to raise where the model has another signature than the contract."""
    return UnusableModelError(
        f"The model in {artifact.saved_model} has no signature {SIGNATURE!r} from {INPUT!r} to "
        f"{OUTPUT!r}: train it again."
    )


def other_input(artifact: Artifact, taken: str) -> UnusableModelError:
    """What to raise where the model takes other images than model.json says."""
    return UnusableModelError(
        f"The model in {artifact.saved_model} takes {taken} and model.json says uint8 images of "
        f"{artifact.image_size} pixels square: train it again."
    )


def first_line(error: Exception) -> str:
    """Of what an error says."""
    return str(error).strip().partition("\n")[0]
