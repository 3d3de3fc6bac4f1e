"""A worker's own epochs on real records: how much of a step's time it waits for its input.

Usage: python -m benchmarks.training.waiting FOLDER SIDE NETWORK BATCH EPOCHS; prints the share.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import horovod.tensorflow as hvd
import keras
import numpy as np

from benchmarks.training.stepper import CLASSES, WARM_UP
from training.augmentation import make_augmentation
from training.data.batches import find_share, training_batches
from training.data.records import find_records
from training.fit import Trainer
from training.models import build_network
from training.optimiser import make_optimiser
from training.settings import Settings


def main(folder: Path, side: int, network: str, batch: int, epochs: int) -> None:
    hvd.init()
    keras.utils.set_random_seed(1)
    settings = Settings(image_size=side, model=network, batch_size=batch, epochs=epochs)
    share = find_share(find_records(folder, "train"), "train", side, 0, 1)
    trainer = Trainer(
        build_network(network, side, CLASSES),
        make_optimiser(settings, 1, share.steps(batch) * epochs),
        make_augmentation(1),
        class_weights=np.ones(CLASSES, np.float32),
    )
    waited = whole = 0.0
    stream = iter(training_batches(share, batch, seed=1, epochs=epochs))
    for step in range(share.steps(batch) * epochs):
        began = time.perf_counter()
        given = next(stream)
        there = time.perf_counter()
        trainer.train(given)
        if step >= WARM_UP:
            waited, whole = waited + there - began, whole + time.perf_counter() - began
    print(json.dumps({"share": waited / whole}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
