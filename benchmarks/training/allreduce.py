"""Stepper: one allreduce of so many bytes. Usage: python -m benchmarks.training.allreduce BYTES"""

from __future__ import annotations

import sys

import horovod.tensorflow as hvd
import tensorflow as tf

from benchmarks.training.stepper import serve


def main(size: int) -> None:
    hvd.init()
    tensor = tf.ones([size // 4])

    @tf.function
    def step() -> tf.Tensor:
        return hvd.allreduce(tensor, op=hvd.Sum, name="bytes")[0]

    serve(lambda: {"sum": float(step())})


if __name__ == "__main__":
    main(int(sys.argv[1]))
