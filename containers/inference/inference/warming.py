"""Runs a model until it is fast, and finds how many images it likes at once."""

import io
import time
from collections.abc import Callable

import numpy as np
from PIL import Image

from inference.model import Images, Session
from preprocessing.isolated import IsolatedDecoder

# Eight win little over four, and so many at once leave the processor idle until their clients ask
# again.
SIZES = (1, 2, 4)
ROUNDS = 7
# A larger batch that is faster by less is not worth the wait of its images for each other.
WORTH = 0.98
# What a batch costs beside the model, whatever its size: the hand-over between two threads and a
# turn of the event loop (AMD EPYC).
HAND_OVER_SECONDS = 0.0003
# Large networks gain nothing, and would hold up the start.
LONGEST_SECONDS = 1.0


def best_batch_size(session: Session, image_size: int, clock: Callable[[], float]) -> int:
    """The size among SIZES whose images take the least time each on this machine, their share of
    handing the batch over among it.

    clock: seconds; the processor's own are not disturbed by other processes, where it computes.
    """
    images = np.zeros((max(SIZES), image_size, image_size, 3), np.uint8)
    fastest = dict.fromkeys(SIZES, float("inf"))
    end = time.monotonic() + LONGEST_SECONDS
    # In turns, so that a slow moment of the machine is one for all sizes. The first warms up.
    for turn in range(1 + ROUNDS):
        for size in SIZES:
            seconds = _seconds(session, images[:size], clock)
            if turn:
                fastest[size] = min(fastest[size], (seconds + HAND_OVER_SECONDS) / size)
        if turn and time.monotonic() > end:
            break
    best = SIZES[0]
    for size in SIZES[1:]:
        if fastest[size] < WORTH * fastest[best]:
            best = size
    return best


def warm_up(session: Session, image_size: int, batch_size: int) -> None:
    """Asks about batches of each size once: runtimes prepare for each shape when it first comes."""
    for size in range(1, batch_size + 1):
        session(np.zeros((size, image_size, image_size, 3), np.uint8))


def warm_decoder(decoder: IsolatedDecoder, image_size: int) -> None:
    """Decodes an image of each format, as Pillow loads what reads one when the first comes."""
    files = []
    for kind in ("JPEG", "PNG", "WEBP"):
        file = io.BytesIO()
        Image.new("RGB", (1, 1)).save(file, kind)
        files.append(file.getvalue())
    decoder.decode_all(files, image_size)


def _seconds(session: Session, images: Images, clock: Callable[[], float]) -> float:
    start = clock()
    session(images)
    return clock() - start
