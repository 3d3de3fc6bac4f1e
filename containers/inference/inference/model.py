"""The SavedModel in memory: pixels in, probabilities out."""

from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from inference.artifact import Artifact, UnusableModelError

SIGNATURE = "serving_default"
INPUT = "images"
OUTPUT = "probabilities"

Images = npt.NDArray[np.uint8]
Probabilities = npt.NDArray[np.float32]


class Model:
    """A loaded SavedModel; `probabilities` may be called from several threads."""

    def __init__(self, artifact: Artifact) -> None:
        """Loads the model and runs it once, so that the first request finds it traced and warm.

        Raises:
            UnusableModelError: it is no SavedModel, or its signature is not the contract's.
        """
        self.labels = artifact.labels
        self.image_size = artifact.image_size
        # The signature is a weak view of the loaded object: without it the variables would be gone.
        self._saved_model, self._signature = _load(artifact)
        self._warm_up(artifact)

    def probabilities(self, images: Images) -> Probabilities:
        """Runs the model on `images`, uint8 [n, size, size, 3] → float32 [n, classes]."""
        answer: Probabilities = self._signature(**{INPUT: tf.constant(images)})[OUTPUT].numpy()
        if not np.isfinite(answer).all():
            raise ArithmeticError("The model answered with a number that is not finite.")
        return answer

    def _warm_up(self, artifact: Artifact) -> None:
        blank: Images = np.zeros((1, self.image_size, self.image_size, 3), np.uint8)
        try:
            shape = self.probabilities(blank).shape
        except (tf.errors.OpError, ArithmeticError, TypeError, ValueError) as error:
            raise UnusableModelError(
                f"The model in {artifact.folder} fails on a blank image of {self.image_size} "
                f"pixels square ({_first_line(error)}): train it again."
            ) from error
        if shape != (1, len(self.labels)):
            raise UnusableModelError(
                f"The model in {artifact.folder} answers with shape {list(shape)} and model.json "
                f"has {len(self.labels)} labels: train it again."
            )


def _load(artifact: Artifact) -> tuple[Any, Any]:
    try:
        saved_model = tf.saved_model.load(str(artifact.folder))
    except Exception as error:  # no narrower class is documented for a damaged file
        raise UnusableModelError(
            f"{artifact.folder} is no SavedModel that TensorFlow {tf.__version__} loads "
            f"({_first_line(error)}): train the model again."
        ) from error
    signature = saved_model.signatures.get(SIGNATURE)
    inputs = {} if signature is None else signature.structured_input_signature[1]
    if signature is None or set(inputs) != {INPUT} or OUTPUT not in signature.structured_outputs:
        raise UnusableModelError(
            f"The model in {artifact.folder} has no signature {SIGNATURE!r} from {INPUT!r} to "
            f"{OUTPUT!r}: train it again."
        )
    _check_input(inputs[INPUT], artifact)
    return saved_model, signature


def _check_input(declared: Any, artifact: Artifact) -> None:
    """Compares shape and type with model.json: TensorFlow itself lets other shapes pass."""
    wanted = (1, artifact.image_size, artifact.image_size, 3)
    if declared.dtype != tf.uint8 or not declared.shape.is_compatible_with(wanted):
        raise UnusableModelError(
            f"The model in {artifact.folder} takes {declared.dtype.name} {declared.shape} and "
            f"model.json says uint8 images of {artifact.image_size} pixels square: train it again."
        )


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
