"""A SavedModel's answers about the test channel's images, and all that the metrics need of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from training.common.container import UserError
from training.evaluation.inputs import Model


class Outcomes(NamedTuple):
    """One entry a record, for one model.

    Attributes:
        predicted: int64 [n], numbers among all classes, see `Classes`.
        probability: float32 [n], of the predicted class.
        truth: float32 [n], probability of the true class; 0 where the model doesn't know it.
        brier: float64 [n], sum over classes of (probability - 1 or 0)², 0 to 2.
    """

    predicted: np.ndarray
    probability: np.ndarray
    truth: np.ndarray
    brier: np.ndarray

    def right(self, labels: np.ndarray) -> np.ndarray:
        """Which records it got right, bool [n]; never those of a class that it doesn't know."""
        right: np.ndarray = self.predicted == labels
        return right

    def take(self, order: np.ndarray) -> Outcomes:
        """The records of these places, int64 [m], in their order."""
        return Outcomes(*(column[order] for column in self))


def join(parts: Sequence[Outcomes]) -> Outcomes:
    """One after the other."""
    return Outcomes(*map(np.concatenate, zip(*parts, strict=True)))


class Classes:
    """Numbers of one model's classes among those of both models.

    Attributes:
        every: labels of the model that is evaluated, then those that only the other one knows.
        own: labels of the one model.
    """

    def __init__(self, every: Sequence[str], own: Sequence[str]) -> None:
        self._numbers = np.array([every.index(label) for label in own], np.int64)
        self._columns = np.full(len(every), -1, np.int64)
        self._columns[self._numbers] = np.arange(len(own))

    def outcomes(self, probabilities: np.ndarray, labels: np.ndarray) -> Outcomes:
        """What one model's probabilities, float32 [n, own classes], come to by the true classes,
        int64 [n], numbers among all.
        """
        rows = np.arange(len(labels))
        best = np.argmax(probabilities, axis=1)
        columns = self._columns[labels]
        truth = np.where(columns >= 0, probabilities[rows, columns], 0).astype(np.float32)
        squares = np.square(probabilities.astype(np.float64)).sum(axis=1)
        return Outcomes(
            predicted=self._numbers[best],
            probability=probabilities[rows, best],
            truth=truth,
            brier=squares - 2 * truth.astype(np.float64) + 1,
        )


def all_classes(candidate: Sequence[str], serving: Sequence[str]) -> list[str]:
    """The candidate's labels keep their encoding; classes are the same where their labels are."""
    known = set(candidate)
    return [*candidate, *(label for label in serving if label not in known)]


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
        """The model's answer about uint8 [n, size, size, 3]: float32 [n, classes of the model].

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
    method = "area" if size < images.shape[1] else "bicubic"
    resized = tf.image.resize(images, [size, size], method=method)
    return tf.cast(tf.clip_by_value(tf.round(resized), 0, 255), tf.uint8)


def check_finite(probabilities: np.ndarray, keys: list[str], model: Model) -> None:
    """Refuses what is no number.

    Raises:
        UserError: a probability is NaN or infinite.
    """
    broken = np.flatnonzero(~np.isfinite(probabilities).all(axis=1))
    if len(broken):
        raise UserError(
            f"The {model.name} gives a probability that is no number for {keys[broken[0]]}: train "
            "it again, with a lower learning_rate perhaps."
        )
