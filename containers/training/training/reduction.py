"""Means over all workers: gradients in few large pieces, and the step's figures with them.

One allreduce a tensor costs a message a tensor each step, which for small networks is more than the
bytes themselves. So gradients are laid end to end in buckets, in the order in which the backward
pass gives them: a bucket travels while the layers before it are still computed, as in
https://arxiv.org/abs/2006.15704.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import horovod.tensorflow as hvd
import tensorflow as tf

from training.common.container import operation

BUCKET_BYTES = 25 * 2**20
_WIRE = {"none": tf.float32, "float16": tf.float16, "bfloat16": tf.bfloat16}


@dataclass(frozen=True)
class Reduction:
    """How tensors are summed.

    Attributes:
        compression: `none`, `float16` or `bfloat16`: what gradients are on the wire.
        bucket_bytes: about how much one allreduce carries.
    """

    compression: str = "none"
    bucket_bytes: int = BUCKET_BYTES

    def mean(
        self, gradients: Sequence[tf.Tensor], figures: tf.Tensor, weight: int, scale: float
    ) -> tuple[list[tf.Tensor], tf.Tensor]:
        """Gradients summed over all workers and divided by a sum of figures; and these sums.

        Args:
            gradients: float32, in the order of the network's variables, each times `scale`.
            figures: float32 [n]; they are never compressed.
            weight: which of them divides.
            scale: what keeps the gradients within 16 bits on their way.
        """
        wire = _WIRE[self.compression]
        buckets = self._buckets(gradients, wire.size)
        flats = [_laid_end_to_end([gradients[i] for i in bucket], wire) for bucket in buckets]
        # Figures go with the bucket that leaves last: a message less.
        go_together = flats and wire == tf.float32
        count = figures.shape.num_elements()
        if go_together:
            flats[-1] = tf.concat([flats[-1], figures], axis=0)
        sums = [sum_over_workers(flat, f"bucket_{number}") for number, flat in enumerate(flats)]
        if go_together:
            sums[-1], figures = sums[-1][:-count], sums[-1][-count:]
        else:
            figures = sum_over_workers(figures, "figures")
        factor = 1.0 / (scale * tf.maximum(figures[weight], 1e-6))
        means: list[tf.Tensor] = [None] * len(gradients)
        for bucket, flat in zip(buckets, sums, strict=True):
            sizes = [gradients[i].shape.num_elements() for i in bucket]
            parts = tf.split(tf.cast(flat, tf.float32) * factor, sizes)
            for i, part in zip(bucket, parts, strict=True):
                means[i] = tf.reshape(part, gradients[i].shape)
        return means, figures

    def _buckets(self, tensors: Sequence[tf.Tensor], size: int) -> list[list[int]]:
        """Indices of the tensors, the last first, in groups of about `bucket_bytes`."""
        buckets: list[list[int]] = []
        room = 0
        for i in reversed(range(len(tensors))):
            needed = tensors[i].shape.num_elements() * size
            if not buckets or needed > room:
                buckets.append([])
                room = self.bucket_bytes
            buckets[-1].append(i)
            room -= needed
        return buckets


def _laid_end_to_end(tensors: Sequence[tf.Tensor], wire: tf.DType) -> tf.Tensor:
    return tf.cast(tf.concat([tf.reshape(tensor, [-1]) for tensor in tensors], axis=0), wire)


def sum_over_workers(flat: tf.Tensor, name: str) -> tf.Tensor:
    """Sums of [n] numbers over all workers."""
    return flat if hvd.size() == 1 else hvd.allreduce(flat, op=hvd.Sum, name=operation(name))
