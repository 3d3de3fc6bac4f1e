"""OpenVINO against TensorFlow: the same images, the same numbers."""

import logging

import numpy as np

from inference.artifact import Artifact, UnusableModelError
from inference.golden import TOLERANCE
from inference.model import Model, load_model

logger = logging.getLogger("inference")

# Noise in several strengths: more of a network's paths than a few photographs take.
IMAGES = 16


def compare(model: Model, artifact: Artifact) -> None:
    """Asks `model` and TensorFlow about images of noise, and logs how far apart they are.

    Raises:
        UnusableModelError: a probability differs by more than TOLERANCE.
    """
    size = artifact.image_size
    random = np.random.default_rng(0)
    scale = np.linspace(0.05, 1, IMAGES)[:, None, None, None]
    images = (random.integers(0, 256, (IMAGES, size, size, 3)) * scale).astype(np.uint8)
    reference = load_model(artifact, "tensorflow", threads=1).session()(images)
    apart = float(np.abs(model.session()(images) - reference).max())
    # Not finite counts as apart.
    if not apart <= TOLERANCE:
        raise UnusableModelError(
            f"The model in {artifact.saved_model} answers {apart:.3g} apart by {model.runtime} and "
            f"by TensorFlow, and {TOLERANCE} is the limit: set INFERENCE_RUNTIME=tensorflow."
        )
    logger.info("compared", extra={"runtime": model.runtime, "largest_difference": apart})
