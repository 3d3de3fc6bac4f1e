"""Steps of data-parallel training and validation: all workers hold the same weights after each."""

import hashlib
import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import horovod.tensorflow as hvd
import keras
import numpy as np
import tensorflow as tf

from training.common.container import UserError, operation
from training.reduction import Reduction, sum_over_workers

logger = logging.getLogger(__name__)

# Which of a step's figures divides its gradients.
_WEIGHT = 3

# No branch here hangs on a tensor's value, and AutoGraph would take longer than all the rest of the
# first step. Keras calls a network's own code without it anyway.
_graph = tf.function(reduce_retracing=True, autograph=False)


@dataclass(frozen=True)
class Step:
    """Figures of one step, summed over all workers; seconds are this worker's.

    Attributes:
        stop: a worker was asked to stop.
        save: rank 0 wants a checkpoint.
    """

    loss: float
    correct: float
    count: float
    weight: float
    stop: bool
    save: bool
    communication_seconds: float


class Trainer:
    """Trains one network on all workers.

    Attributes:
        class_weights: float32 [classes].
        statistics: moving means, such as batch normalisation's: each worker follows its own
            records, until `average_statistics`.
        trained: what the learning rate follows.
        label_smoothing: part of the truth that is spread over all classes,
            https://arxiv.org/abs/1512.00567.
    """

    def __init__(  # noqa: PLR0913 - the parts that a step is made of
        self,
        model: keras.Model,
        optimiser: keras.optimizers.Optimizer,
        augmentation: keras.Layer,
        *,
        class_weights: np.ndarray,
        label_smoothing: float = 0.0,
        reduction: Reduction | None = None,
        trained: keras.Variable | None = None,
    ) -> None:
        self._model = model
        self._augmentation = augmentation
        self._optimiser = optimiser
        self._reduction = reduction or Reduction()
        self._trained = trained
        self._class_weights = tf.constant(class_weights, tf.float32)
        self._label_smoothing = label_smoothing
        self.statistics = [
            variable
            for variable in model.non_trainable_variables
            if tf.as_dtype(variable.dtype).is_floating
        ]
        optimiser.build(model.trainable_variables)

    def train(
        self,
        batch: Sequence[tf.Tensor],
        *,
        trained: float = 0.0,
        stop: bool = False,
        save: bool = False,
    ) -> Step:
        """One step on this worker's batch `(images, labels, weights, …)`.

        Args:
            batch: of `batches`.
            trained: the share of the training that is done before it, from 0 to 1.
            stop: this worker was asked to stop.
            save: it wants a checkpoint.
        """
        if self._trained is not None:
            self._trained.assign(trained)
        flags = tf.constant([float(stop), float(save)])
        return _read_step(self._train(*batch[:3], flags))

    def validate(self, batch: Sequence[tf.Tensor], *, stop: bool = False) -> Step:
        """Sums of a batch without training on it; see `train`."""
        return _read_step(self._validate(*batch[:3], tf.constant([float(stop), 0.0])))

    def average_statistics(self, *, counted: bool = True) -> None:
        """Over all workers that read records; every one has to call it after the same step."""
        average(self.statistics, counted=counted)

    @_graph  # type: ignore[untyped-decorator]
    def _train(
        self, images: tf.Tensor, labels: tf.Tensor, weights: tf.Tensor, flags: tf.Tensor
    ) -> tf.Tensor:
        varied = self._augmentation(tf.cast(images, tf.float32), training=True)
        with tf.GradientTape() as tape:
            logits = self._model(varied, training=True)
            loss, figures = self._figures(labels, logits, weights, flags)
            # Regularisers count as often as records do, by which the sum is divided: as strong in a
            # batch of rare classes as in any other.
            penalty = tf.add_n([tf.zeros([]), *self._model.losses]) * figures[_WEIGHT]
            # A sum over many records, or its gradient, may be too large for 16 bits. A power of two
            # changes no digit.
            scale = 2.0 ** -math.ceil(math.log2(images.shape[0]))
            objective = self._optimiser.scale_loss((loss + penalty) * scale)
        gradients, variables = _of_used(
            tape.gradient(objective, self._model.trainable_variables),
            self._model.trainable_variables,
        )
        # After the gradients: whatever the allreduce takes from then on, nothing else hides.
        with tf.control_dependencies(gradients):
            began = _now()
        # Records that only fill a batch up have no weight, so this is the mean over the real ones.
        means, figures = self._reduction.mean(gradients, figures, _WEIGHT, scale)
        with tf.control_dependencies([figures]):
            seconds = _now() - began
        self._optimiser.apply(means, variables)
        return tf.concat([tf.cast(figures, tf.float64), [seconds]], axis=0)

    @_graph  # type: ignore[untyped-decorator]
    def _validate(
        self, images: tf.Tensor, labels: tf.Tensor, weights: tf.Tensor, flags: tf.Tensor
    ) -> tf.Tensor:
        logits = self._model(tf.cast(images, tf.float32), training=False)
        _, figures = self._figures(labels, logits, weights, flags)
        began = _now()
        figures = sum_over_workers(figures, "validation_figures")
        with tf.control_dependencies([figures]):
            seconds = _now() - began
        return tf.concat([tf.cast(figures, tf.float64), [seconds]], axis=0)

    def _figures(
        self, labels: tf.Tensor, logits: tf.Tensor, weights: tf.Tensor, flags: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """The worker's loss, and `[loss, correct, count, weight, stop, save]`, float32 [6]."""
        classes = logits.shape[-1]
        truth = tf.one_hot(labels, classes) * (1.0 - self._label_smoothing)
        losses = tf.nn.softmax_cross_entropy_with_logits(
            truth + self._label_smoothing / classes, logits
        )
        counted = weights * tf.gather(self._class_weights, labels)
        loss = tf.reduce_sum(losses * counted)
        right = tf.cast(tf.equal(tf.argmax(logits, axis=-1), labels), tf.float32)
        sums = [loss, *map(tf.reduce_sum, (right * weights, weights, counted))]
        return loss, tf.concat([tf.stack(sums), flags], axis=0)


def _of_used(
    gradients: Sequence[tf.Tensor | tf.IndexedSlices | None], variables: Sequence[keras.Variable]
) -> tuple[list[tf.Tensor], list[keras.Variable]]:
    """Dense gradients, as an embedding's are not, and the variables that have one.

    Raises:
        UserError: none has.
    """
    pairs = list(zip(gradients, variables, strict=True))
    unused = [variable.path for gradient, variable in pairs if gradient is None]
    if len(unused) == len(pairs):
        raise UserError(
            f"The loss depends on none of the network's {len(pairs)} trainable variables: look how "
            "its file in training/models gets from the images to its output."
        )
    if unused:
        logger.warning(
            "The loss does not depend on %s: what is trainable there stays as it began.",
            ", ".join(unused),
        )
    used = [(gradient, variable) for gradient, variable in pairs if gradient is not None]
    return [tf.convert_to_tensor(gradient) for gradient, _ in used], [each for _, each in used]


def _now() -> tf.Tensor:
    """Seconds, when this place of the graph is reached; `tf.timestamp` refuses determinism."""
    now = tf.numpy_function(time.perf_counter, [], tf.float64, stateful=True)
    now.set_shape([])
    return now


def _read_step(figures: tf.Tensor) -> Step:
    loss, correct, count, weight, stop, save, seconds = figures.numpy().tolist()
    return Step(loss, correct, count, weight, stop > 0, save > 0, seconds)


def broadcast(variables: Sequence[keras.Variable]) -> None:
    """Gives every worker the values of rank 0."""
    _exchange(
        variables, lambda flat: hvd.broadcast(flat, 0, name=operation(f"of_{flat.dtype.name}"))
    )


def average(variables: Sequence[keras.Variable], *, counted: bool = True) -> None:
    """Gives every worker the means over all workers that are `counted`."""

    def mean(flat: tf.Tensor) -> tf.Tensor:
        weight = tf.cast(counted, flat.dtype)
        weighted = tf.concat([flat * weight, [weight]], axis=0)
        name = operation(f"mean_of_{flat.dtype.name}")
        sums = hvd.allreduce(weighted, op=hvd.Sum, name=name)
        return sums[:-1] / sums[-1]

    _exchange(variables, mean)


def _exchange(
    variables: Sequence[keras.Variable], operation: Callable[[tf.Tensor], tf.Tensor]
) -> None:
    """In as many messages as there are types: one a variable would take its time."""
    values = [tf.convert_to_tensor(variable) for variable in variables]
    for dtype in sorted({value.dtype for value in values}, key=str):
        chosen = [i for i, value in enumerate(values) if value.dtype == dtype]
        flat = operation(tf.concat([tf.reshape(values[i], [-1]) for i in chosen], axis=0))
        parts = tf.split(flat, [values[i].shape.num_elements() for i in chosen])
        for i, part in zip(chosen, parts, strict=True):
            variables[i].assign(tf.reshape(part, values[i].shape))


def equal_weights(model: keras.Model) -> dict[str, str]:
    """Rank to SHA-256 of all weights.

    Raises:
        UserError: they are not all equal.
    """
    digest = hashlib.sha256(b"".join(weight.tobytes() for weight in model.get_weights()))
    digests = hvd.allgather_object(digest.hexdigest(), name="weights")
    if len(set(digests)) != 1:
        raise UserError(
            "The workers ended with different weights: make each random choice of the model follow "
            "the seed, and keep its state out of Python."
        )
    return {str(rank): value for rank, value in enumerate(digests)}
