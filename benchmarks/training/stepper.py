"""What every stepper does: sets up, says so, and takes as many steps as each line it reads asks.

A line of output an order: `{"seconds": …}`, and what else the steps told.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable

import numpy as np

WARM_UP = 5
SIDE, CLASSES = 64, 10
NETWORK = "mobilenet_v2_035"


def serve(step: Callable[[], dict[str, float]]) -> None:
    """Args:
    step: takes one step and gives figures, which are added up.
    """
    for _ in range(WARM_UP):
        step()
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        figures: dict[str, float] = {}
        began = time.perf_counter()
        for _ in range(int(line)):
            for name, value in step().items():
                figures[name] = figures.get(name, 0.0) + value
        print(json.dumps({"seconds": time.perf_counter() - began, **figures}), flush=True)


def pixels(batch: int, side: int = SIDE) -> np.ndarray:
    """uint8 [batch, side, side, 3]."""
    made: np.ndarray = np.random.default_rng(1).integers(0, 256, (batch, side, side, 3), np.uint8)
    return made


def labels(batch: int) -> np.ndarray:
    """int64 [batch]."""
    made: np.ndarray = np.random.default_rng(2).integers(0, CLASSES, batch, np.int64)
    return made
