"""One epoch of data-parallel training or validation, and what holds the ranks together."""

from __future__ import annotations

import hashlib
import math
import time
from dataclasses import dataclass, field

import horovod.tensorflow as hvd
import keras
import tensorflow as tf

from training.errors import UserError


@dataclass
class Totals:
    """Sums over all workers of one epoch."""

    loss: float = 0.0
    correct: float = 0.0
    weight: float = 0.0
    seconds: float = 0.0
    keys: list[str] = field(default_factory=list)

    def add(self, loss: tf.Tensor, correct: tf.Tensor, weight: tf.Tensor) -> None:
        self.loss += float(loss)
        self.correct += float(correct)
        self.weight += float(weight)

    @property
    def mean_loss(self) -> float:
        return self.loss / self.weight

    @property
    def accuracy(self) -> float:
        return self.correct / self.weight


class Trainer:
    """Trains one model on all workers; every worker holds the same weights after every step."""

    def __init__(
        self,
        model: keras.Model,
        optimiser: keras.optimizers.Optimizer,
        augmentation: keras.Layer,
    ) -> None:
        self._model = model
        self._augmentation = augmentation
        self._optimiser = optimiser
        optimiser.build(model.trainable_variables)

    def broadcast(self) -> None:
        """Gives every worker the weights of rank 0."""
        for variable in (*self._model.variables, *self._optimiser.variables):
            variable.assign(hvd.broadcast(tf.convert_to_tensor(variable), root_rank=0))

    def train(self, dataset: tf.data.Dataset) -> Totals:
        """One epoch. `keys` of the totals are this worker's own records.

        :raises UserError: the loss is no number any more.
        """
        totals, began = Totals(), time.monotonic()
        for images, labels, weights, keys in dataset:
            totals.add(*self._train_step(images, labels, weights))
            if not math.isfinite(totals.loss):
                raise UserError(
                    "The loss is not finite any more: lower the hyperparameter learning_rate."
                )
            totals.keys += [key.decode() for key in keys[weights > 0].numpy()]
        self._average_statistics()
        totals.seconds = time.monotonic() - began
        return totals

    def validate(self, dataset: tf.data.Dataset) -> Totals:
        """One pass over the validation channel."""
        totals, began = Totals(), time.monotonic()
        for images, labels, weights, _ in dataset:
            totals.add(*self._validation_step(images, labels, weights))
        totals.seconds = time.monotonic() - began
        return totals

    @tf.function  # type: ignore[untyped-decorator]
    def _train_step(
        self, images: tf.Tensor, labels: tf.Tensor, weights: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        varied = self._augmentation(tf.cast(images, tf.float32), training=True)
        with tf.GradientTape() as tape:
            logits = self._model(varied, training=True)
            loss = _loss(labels, logits, weights)
            # Regularisers count once a record, as everything here is a sum over records.
            penalty = tf.add_n([tf.zeros([]), *self._model.losses]) * tf.reduce_sum(weights)
            objective = loss + penalty
        variables = self._model.trainable_variables
        gradients = tape.gradient(objective, variables)
        sums = [loss, _correct(labels, logits, weights), tf.reduce_sum(weights)]
        *gradients, loss, correct, weight = hvd.grouped_allreduce([*gradients, *sums], op=hvd.Sum)
        # Blanks have no weight, so this is the mean over the real records of all workers.
        means = [gradient / tf.maximum(weight, 1.0) for gradient in gradients]
        self._optimiser.apply_gradients(zip(means, variables, strict=True))
        return loss, correct, weight

    @tf.function  # type: ignore[untyped-decorator]
    def _validation_step(
        self, images: tf.Tensor, labels: tf.Tensor, weights: tf.Tensor
    ) -> tuple[tf.Tensor, ...]:
        logits = self._model(tf.cast(images, tf.float32), training=False)
        sums = [
            _loss(labels, logits, weights),
            _correct(labels, logits, weights),
            tf.reduce_sum(weights),
        ]
        return tuple(hvd.grouped_allreduce(sums, op=hvd.Sum))

    def _average_statistics(self) -> None:
        """Moving means, such as batch normalisation's, follow each worker's own records."""
        for variable in self._model.non_trainable_variables:
            if variable.dtype in ("float32", "float16", "bfloat16"):
                variable.assign(hvd.allreduce(tf.convert_to_tensor(variable), op=hvd.Average))


def equal_weights(model: keras.Model) -> dict[str, str]:
    """Rank to SHA-256 of all weights.

    :raises UserError: they are not all equal.
    """
    digest = hashlib.sha256(b"".join(weight.tobytes() for weight in model.get_weights()))
    digests = hvd.allgather_object(digest.hexdigest())
    if len(set(digests)) != 1:
        raise UserError(
            "The workers ended with different weights: make each random choice of the model follow "
            "the seed, and keep its state out of Python."
        )
    return {str(rank): value for rank, value in enumerate(digests)}


def _loss(labels: tf.Tensor, logits: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
    return tf.reduce_sum(losses * weights)


def _correct(labels: tf.Tensor, logits: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    right = tf.cast(tf.equal(tf.argmax(logits, axis=-1), labels), tf.float32)
    return tf.reduce_sum(right * weights)
