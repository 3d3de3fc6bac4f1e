"""A thread that takes images from the queue, has them decoded and asks the model about all at once.

Decoding is another process's, and the model releases the interpreter, so as many of these threads
as there are cores keep the cores busy. An image is handed over twice, whatever it needs: into the
thread and back. Before it begins, the model is run until it is fast.
"""

import io
import logging
import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from threading import Lock, Thread

import numpy as np
import numpy.typing as npt
from PIL import Image

from inference.decoding import Side, goes_on_the_side
from inference.model import Probabilities, Session
from inference.questions import Outcome, Question, fitted, unpacked
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

    Args:
        clock: seconds; the processor's own are not disturbed by other processes, where it computes.
    """
    images = np.zeros((max(SIZES), image_size, image_size, 3), np.uint8)
    fastest = dict.fromkeys(SIZES, float("inf"))
    end = time.monotonic() + LONGEST_SECONDS
    # In turns, so that a slow moment of the machine is one for all sizes. The first warms up.
    for turn in range(1 + ROUNDS):
        for size in SIZES:
            start = clock()
            session(images[:size])
            seconds = clock() - start
            if turn:
                fastest[size] = min(fastest[size], (seconds + HAND_OVER_SECONDS) / size)
        if turn and time.monotonic() > end:
            break
    best = SIZES[0]
    for size in SIZES[1:]:
        if fastest[size] < WORTH * fastest[best]:
            best = size
    return best


def warm_decoder(decoder: IsolatedDecoder, image_size: int) -> None:
    """Decodes an image of each format, as Pillow loads what reads one when the first comes."""
    files = []
    for kind in ("JPEG", "PNG", "WEBP"):
        file = io.BytesIO()
        Image.new("RGB", (1, 1)).save(file, kind)
        files.append(file.getvalue())
    decoder.decode_all(files, image_size)


logger = logging.getLogger("inference")

Place = tuple[Question, int]
"""A question and the index of one of its images."""


@dataclass
class Queue:
    """What all engines take from.

    Attributes:
        idle: engines that wait for an image.
        arriving: requests whose images are still on their way into the queue.
    """

    places: "SimpleQueue[Place | None]" = field(default_factory=SimpleQueue)
    idle: int = 0
    arriving: int = 0
    lock: Lock = field(default_factory=Lock)

    def take(self, most: int, wait_seconds: float) -> list[Place] | None:
        """Waits for an image and takes it with its fair share of those that are there, and so long
        for those of requests that are arriving; None: end.
        """
        with self.lock:
            self.idle += 1
        first = self.places.get()
        with self.lock:
            idle, self.idle = self.idle, self.idle - 1
        if first is None:
            return None
        taken = [first]
        # Where other engines wait too, each takes a part.
        share = math.ceil((self.places.qsize() + 1) / idle)
        self._fill(taken, min(most, share), until=0.0)
        if wait_seconds and self.arriving and len(taken) < most:
            self._fill(taken, most, until=time.monotonic() + wait_seconds)
        return taken

    def _fill(self, taken: list[Place], most: int, until: float) -> None:
        while len(taken) < most:
            left = until - time.monotonic() if until and self.arriving else 0.0
            try:
                place = self.places.get(timeout=left) if left > 0 else self.places.get_nowait()
            except Empty:
                return
            if place is None:
                self.places.put(None)
                return
            taken.append(place)


@dataclass
class Engine:
    """One thread with one session of the model.

    Attributes:
        image_size: the model's, in pixels.
        batch_size: the most images that the model is asked about at once.
        decoder: this engine's own, a process.
        side: decodes what takes much memory or time.
        deliver: called with the outcomes of a batch, on this thread.
    """

    queue: Queue
    session: Session
    image_size: int
    batch_size: int
    batch_wait_seconds: float
    decoder: IsolatedDecoder
    side: Side
    deliver: Callable[[list[Outcome], int], None]

    def start(self, name: str) -> "Future[None]":
        """Gives what is done when the engine is warm."""
        self._pixels = np.empty((self.batch_size, self.image_size, self.image_size, 3), np.uint8)
        warm: Future[None] = Future()
        Thread(target=self._run, args=[warm], name=name, daemon=True).start()
        return warm

    def _run(self, warm: "Future[None]") -> None:
        try:
            # Runtimes prepare for each shape when it first comes, and for each thread.
            for size in range(1, self.batch_size + 1):
                self.session(np.zeros((size, self.image_size, self.image_size, 3), np.uint8))
            warm_decoder(self.decoder, self.image_size)
        except Exception as error:  # noqa: BLE001 - the one who waits for it raises it
            warm.set_exception(error)
            return
        warm.set_result(None)
        while (places := self.queue.take(self.batch_size, self.batch_wait_seconds)) is not None:
            outcomes: list[Outcome] = []
            decoded = self._decode(places, outcomes)
            if decoded:
                self._answer(decoded)
            self.deliver(outcomes + decoded, len(decoded))

    def _decode(self, places: list[Place], others: list[Outcome]) -> list[Outcome]:
        """Fills the pixels; gives the outcomes that await the model, and adds the others'."""
        ready: list[Outcome] = []
        files: list[tuple[Outcome, bytes]] = []
        for question, place in places:
            start = time.monotonic()
            outcome = Outcome(question, place, queue=start - question.asked)
            if question.future.done() or start > question.deadline:
                others.append(outcome)
                continue
            try:
                image = unpacked(question.images[place])
                if isinstance(image, bytes):
                    files.append((outcome, image))
                    continue
                self._pixels[len(ready)] = fitted(image, self.image_size)
            except Exception as error:  # noqa: BLE001 - the request is answered with it
                outcome.error = error
                others.append(outcome)
            else:
                ready.append(outcome)
        if files:
            self._decode_files(files, ready, others)
        return ready

    def _decode_files(
        self, files: list[tuple[Outcome, bytes]], ready: list[Outcome], others: list[Outcome]
    ) -> None:
        start = time.monotonic()
        results: Sequence[object]
        try:
            results = self.decoder.decode_all([image for _, image in files], self.image_size)
        except Exception as error:  # noqa: BLE001 - the requests are answered with it
            results = [error] * len(files)
        seconds = time.monotonic() - start
        for (outcome, image), result in zip(files, results, strict=True):
            outcome.decode = seconds
            if isinstance(result, np.ndarray):
                self._pixels[len(ready)] = result
                ready.append(outcome)
            elif goes_on_the_side(result):
                self.side.submit(outcome, image, self.image_size)
            else:
                outcome.error = result if isinstance(result, Exception) else None
                others.append(outcome)

    def _answer(self, outcomes: list[Outcome]) -> None:
        start = time.monotonic()
        for outcome in outcomes:
            outcome.question.at_model = start
        try:
            answers: Probabilities = self.session(self._pixels[: len(outcomes)])
        except Exception as error:  # noqa: BLE001 - the requests are answered with it
            for outcome in outcomes:
                outcome.error = error
            return
        seconds = time.monotonic() - start
        finite: npt.NDArray[np.bool_] = np.all(np.isfinite(answers), axis=1)
        confidences = answers.max(axis=1).tolist()
        for number, outcome in enumerate(outcomes):
            outcome.question.at_model = 0.0
            outcome.model = seconds
            if finite[number]:
                outcome.answer = answers[number]
                outcome.confidence = confidences[number]
            else:
                outcome.error = ArithmeticError(
                    "The model answered with a number that is not finite."
                )
