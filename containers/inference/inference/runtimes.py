"""What runs a SavedModel: by name, imported when it is used, so that no other takes time, memory or
room in the image.
"""

import importlib
import importlib.util

import numpy as np

from inference.model import Artifact, Model, Session, UnusableModelError, first_line

RUNTIMES = {"openvino": "OpenVinoModel", "tensorflow": "TensorFlowModel"}
"""By the package that must be installed, the class in `inference.<package>_model`."""


def installed_runtimes() -> list[str]:
    """Of RUNTIMES, best first."""
    return [name for name in RUNTIMES if importlib.util.find_spec(name)]


def load_model(artifact: Artifact, runtime: str, threads: int) -> Model:
    """Loads the SavedModel for as many sessions at once as there are threads.

    Raises:
        UnusableModelError: it does not load, or its signature is not the contract's.
    """
    module = importlib.import_module(f"inference.{runtime}_model")
    model: Model = getattr(module, RUNTIMES[runtime])(artifact, threads)
    return model


def check_gpu() -> None:
    """Of the image for GPUs, whose TensorFlow would go on with processors at a GPU's price.

    Raises:
        UnusableModelError: TensorFlow sees none.
    """
    # Here, as no other image has it.
    import tensorflow as tf  # noqa: PLC0415 - no other image has it

    if not tf.config.list_physical_devices("GPU"):
        raise UnusableModelError(
            "This image serves on GPUs, and TensorFlow sees none: use an instance that has one, or "
            "set INFERENCE_RUNTIME=tensorflow to serve on processors."
        )


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
