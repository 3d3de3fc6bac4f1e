"""What every runtime offers: a model folder in memory, pixels in, probabilities out."""

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


def load_model(artifact: Artifact, runtime: str, threads: int) -> Model:
    """Loads the SavedModel for as many sessions at once as there are threads.

    Raises:
        UnusableModelError: it does not load, or its signature is not the contract's.
    """
    # Imported here, so that the runtime that is not used takes no time and no memory.
    if runtime == "openvino":
        from inference.openvino_model import OpenVinoModel  # noqa: PLC0415

        return OpenVinoModel(artifact, threads)
    from inference.tensorflow_model import TensorFlowModel  # noqa: PLC0415

    return TensorFlowModel(artifact, threads)


def check_answer(session: Session, artifact: Artifact) -> None:
    """Asks the model about a blank image.

    Raises:
        UnusableModelError: it fails, or does not answer with a finite number a label.
    """
    size, classes = artifact.image_size, len(artifact.labels)
    try:
        answer = session(np.zeros((1, size, size, 3), np.uint8))
    except Exception as error:
        raise UnusableModelError(
            f"The model in {artifact.saved_model} fails on a blank image of {size} pixels square "
            f"({first_line(error)}): train it again."
        ) from error
    if answer.shape != (1, classes):
        raise UnusableModelError(
            f"The model in {artifact.saved_model} answers with shape {list(answer.shape)} and "
            f"model.json has {classes} labels: train it again."
        )
    if not np.isfinite(answer).all():
        raise UnusableModelError(
            f"The model in {artifact.saved_model} answers a blank image with numbers that are not "
            "finite: train it again, with a lower learning_rate perhaps."
        )


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
