"""A SavedModel's answers about the test channel's images."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from training.errors import UserError
from training.evaluation.archive import Model


class Predictor:
    """Asks the SavedModel's `serving_default`, as the endpoint does.

    Attributes:
        image_size: side of the records' images; another one than the model's is resized.

    Raises:
        UserError: the SavedModel does not load, or takes other images than it says.
    """

    def __init__(self, model: Model, image_size: int) -> None:
        self.model = model
        self.resizes = model.image_size != image_size
        try:
            # Kept, as the signature alone does not keep its variables.
            self._loaded = tf.saved_model.load(str(model.saved_model))
            self._signature = self._loaded.signatures["serving_default"]
            images = self._signature.structured_input_signature[1]["images"]
        except (OSError, KeyError, ValueError, tf.errors.OpError) as error:
            raise UserError(
                f"The SavedModel of the {model.name} does not load or has no signature "
                f"serving_default with images ({type(error).__name__}): was it made by TrainModel?"
            ) from error
        wanted = [None, model.image_size, model.image_size, 3]
        if images.dtype != tf.uint8 or images.shape.as_list() != wanted:
            raise UserError(
                f"The SavedModel of the {model.name} takes images {images.dtype.name} "
                f"{images.shape.as_list()}, and its model.json says uint8 {wanted}: was it made by "
                "TrainModel?"
            )

    def probabilities(self, images: tf.Tensor) -> np.ndarray:
        """Args:
            images: uint8 [n, size, size, 3].

        Returns:
            float32 [n, classes of the model].

        Raises:
            UserError: the model gives something else.
        """
        if self.resizes:
            images = resize(images, self.model.image_size)
        answer = self._signature(images=images).get("probabilities")
        wanted = (images.shape[0], len(self.model.labels))
        if answer is None or tuple(answer.shape) != wanted:
            shape = None if answer is None else tuple(answer.shape)
            raise UserError(
                f"The {self.model.name} answers {wanted[0]} images with probabilities of shape "
                f"{shape}, and it should be {wanted}: does its model.json name its classes?"
            )
        probabilities: np.ndarray = answer.numpy()
        return probabilities


def resize(images: tf.Tensor, size: int) -> tf.Tensor:
    """The records' images in another size: averaged where they shrink, bicubic where they grow.

    The endpoint makes its images from the original files instead, so this is only close to them.
    """
    if size < images.shape[1]:
        resized = tf.image.resize(images, [size, size], method=tf.image.ResizeMethod.AREA)
    else:
        resized = tf.image.resize(images, [size, size], method=tf.image.ResizeMethod.BICUBIC)
    return tf.cast(tf.clip_by_value(tf.round(resized), 0, 255), tf.uint8)


def check_finite(probabilities: np.ndarray, keys: list[str], model: Model) -> None:
    """Raises:
    UserError: a probability is NaN or infinite.
    """
    broken = np.flatnonzero(~np.isfinite(probabilities).all(axis=1))
    if len(broken):
        raise UserError(
            f"The {model.name} gives a probability that is no number for {keys[broken[0]]}: train "
            "it again, with a lower learning_rate perhaps."
        )
