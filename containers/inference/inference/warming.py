"""Runs a model until it is fast, and finds how many images it likes at once."""

import io
import time
from collections.abc import Callable, Iterator

import numpy as np
from PIL import Image

from inference.model import Session
from inference.processing import preprocess

SIZES = (1, 2, 4, 8)
RUNS = 5
# A larger batch that is faster by less is not worth the wait of its images for each other.
WORTH = 0.98
# What a batch costs beside the model, whatever its size: the hand-over between two threads and a
# turn of the event loop (0.12 ms of the loop's thread alone, AMD EPYC).
HAND_OVER_SECONDS = 0.0002
# Large networks gain nothing, and would hold up the start.
LONGEST_SECONDS = 1.0


def best_batch_size(session: Session, image_size: int, clock: Callable[[], float]) -> int:
    """The size among SIZES whose images take the least time each on this machine, their share of
    handing the batch over among it.

    clock: seconds; the processor's own are not disturbed by other processes, where it computes.
    """
    best, fastest, end = 1, float("inf"), time.monotonic() + LONGEST_SECONDS
    for size in SIZES:
        model = min(_seconds(session, size, image_size, clock))
        seconds = (model + HAND_OVER_SECONDS) / size
        if seconds < WORTH * fastest:
            best, fastest = size, seconds
        if time.monotonic() > end:
            break
    return best


def warm_up(session: Session, image_size: int, batch_size: int) -> None:
    """Asks about batches of each size once: runtimes prepare for each shape when it first comes."""
    for size in range(1, batch_size + 1):
        session(np.zeros((size, image_size, image_size, 3), np.uint8))


def warm_decoders(image_size: int) -> None:
    """Decodes an image of each format, as Pillow loads what reads one when the first comes."""
    for kind in ("JPEG", "PNG", "WEBP"):
        file = io.BytesIO()
        Image.new("RGB", (1, 1)).save(file, kind)
        preprocess(file.getvalue(), image_size)


def _seconds(
    session: Session, size: int, image_size: int, clock: Callable[[], float]
) -> Iterator[float]:
    images = np.zeros((size, image_size, image_size, 3), np.uint8)
    session(images)
    for _ in range(RUNS):
        start = clock()
        session(images)
        yield clock() - start
