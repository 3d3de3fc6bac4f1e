"""What every runtime offers: a model in memory, pixels in, probabilities out."""

from collections.abc import Callable
from typing import Protocol

import numpy as np
import numpy.typing as npt

from inference.artifact import Artifact, UnusableModelError

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

    def session(self) -> Session: ...


def no_signature(artifact: Artifact) -> UnusableModelError:
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
    return str(error).strip().partition("\n")[0]
