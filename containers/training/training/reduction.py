"""Sums over all workers: gradients in few large pieces, and the step's figures with them.

One allreduce a tensor costs a message a tensor each step, which for small networks is more than the
bytes themselves. So tensors are laid end to end in buckets, in the order in which the backward pass
gives them: the last bucket travels while the first layers are still computed, as in
https://arxiv.org/abs/2006.15704.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import horovod.tensorflow as hvd
import tensorflow as tf

BUCKET_BYTES = 25 * 2**20
_WIRE = {"float16": tf.float16, "bfloat16": tf.bfloat16}


@dataclass(frozen=True)
class Reduction:
    """How tensors are summed.

    :param compression: `none`, `float16` or `bfloat16`: what `compressed` tensors are on the wire.
    :param bucket_bytes: about how much one allreduce carries.
    """

    compression: str = "none"
    bucket_bytes: int = BUCKET_BYTES

    def sum(
        self, compressed: Sequence[tf.Tensor], exact: Sequence[tf.Tensor]
    ) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
        """Sums over all workers, of the shapes and types given.

        :param compressed: gradients, in the order of the network's variables.
        :param exact: float32; they are never compressed.
        """
        wire = _WIRE.get(self.compression, tf.float32)
        if wire == tf.float32:
            sums = self._sum([*compressed, *exact], tf.float32)
            return sums[: len(compressed)], sums[len(compressed) :]
        return self._sum(compressed, wire), self._sum(exact, tf.float32)

    def _sum(self, tensors: Sequence[tf.Tensor], wire: tf.DType) -> list[tf.Tensor]:
        sums: list[tf.Tensor] = [None] * len(tensors)
        for number, bucket in enumerate(self._buckets(tensors, wire.size)):
            flat = tf.concat([tf.cast(tf.reshape(tensors[i], [-1]), wire) for i in bucket], axis=0)
            name = f"{wire.name}_bucket_{number}"
            flat = flat if hvd.size() == 1 else hvd.allreduce(flat, op=hvd.Sum, name=name)
            parts = tf.split(flat, [tensors[i].shape.num_elements() for i in bucket])
            for i, part in zip(bucket, parts, strict=True):
                sums[i] = tf.cast(tf.reshape(part, tensors[i].shape), tensors[i].dtype)
        return sums

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
