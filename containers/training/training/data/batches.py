"""Records to batches: each record is read by exactly one worker an epoch.

An epoch has an order of all records, mixed by the seed and the epoch; rank r of n workers takes the
places r, r + n, r + 2n, ... of it, however the records lie in files. Every worker takes the same
number of steps: its last batch is filled up with records of weight 0, so that no one waits for ever
in an allreduce. An order follows from seed, epoch and number of workers alone, so a run can go on
from any step, and as many hosts of as many workers share the work alike.
"""

import math
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import islice
from queue import Empty, Full, Queue
from threading import Event, Thread, get_native_id
from typing import TypeVar

import numpy as np
import tensorflow as tf

from records.reader import Records
from training.common.container import UserError
from training.data.records import Reader

T = TypeVar("T")

_LOOK_SECONDS = 0.5
_NICENESS = 10


class _End:
    """Behind the last element, with what the iterable raised, if it did."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


def ready(elements: Iterable[T], count: int) -> Iterator[T]:
    """The elements of `elements`, of which up to `count` are made ahead.

    Whoever takes one pays for taking it off a queue, not for making it.
    """
    queue: Queue[T | _End] = Queue(count)
    abandoned = Event()
    thread = Thread(target=_fill, args=(elements, queue, abandoned), name="input", daemon=True)
    thread.start()
    try:
        while not isinstance(element := queue.get(), _End):
            yield element
        if element.error is not None:
            raise element.error
    finally:
        abandoned.set()
        with suppress(Empty):
            queue.get_nowait()
        thread.join()


def _fill(elements: Iterable[T], queue: Queue[T | _End], abandoned: Event) -> None:
    # It wakes when an element is taken: the step that follows goes first.
    os.setpriority(os.PRIO_PROCESS, get_native_id(), _NICENESS)
    end = _End()
    try:
        for element in elements:
            if not _put(queue, element, abandoned):
                return
    except Exception as error:  # noqa: BLE001 - raised where the elements are taken
        end = _End(error)
    _put(queue, end, abandoned)


def _put(queue: Queue[T | _End], element: T | _End, abandoned: Event) -> bool:
    while not abandoned.is_set():
        with suppress(Full):
            queue.put(element, timeout=_LOOK_SECONDS)
            return True
    return False


_FEATURES = {
    "image": tf.io.FixedLenFeature([], tf.string),
    "label": tf.io.FixedLenFeature([], tf.int64),
    "key": tf.io.FixedLenFeature([], tf.string),
}
# Batches that lie ready: one that is late does not hold the step up.
_READY = 4
# Batches that are read in one go, and about how many bytes at the most.
_TOGETHER, _TOGETHER_BYTES = 16, 8 * 2**20


@dataclass(frozen=True)
class Share:
    """What one worker reads of a channel; `image_size` is the side of its images in pixels."""

    records: Records
    image_size: int
    rank: int
    size: int

    @property
    def mine(self) -> int:
        """How many records this worker reads an epoch."""
        return len(range(self.rank, self.records.count, self.size))

    def steps(self, batch_size: int) -> int:
        """Steps an epoch, the same on every worker."""
        return math.ceil(math.ceil(self.records.count / self.size) / batch_size)

    def numbers(self, seed: int | None, epoch: int = 0) -> np.ndarray:
        """The worker's records in the order of an epoch, int64 [mine]; None keeps the files'."""
        if seed is None:
            return np.arange(self.rank, self.records.count, self.size)
        count = self.records.count
        order = np.arange(count, dtype=np.int32 if count < 2**31 else np.int64)
        np.random.default_rng([seed, epoch]).shuffle(order)
        # A copy, so that the others' parts don't stay for the whole epoch.
        return order[self.rank :: self.size].astype(np.int64)


@dataclass(frozen=True)
class Batches:
    """A dataset whose own errors stay one sentence, though TensorFlow wraps them."""

    dataset: tf.data.Dataset

    def __iter__(self) -> Iterator[tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]]:
        """The batches; see `batches` for their shapes.

        Raises:
            UserError: see `Reader.read`.
        """
        try:
            yield from ready(self.dataset, _READY)
        except tf.errors.OpError as error:
            sentence = re.search(r"UserError: (.+)", error.message)
            if sentence is None:
                raise
            raise UserError(sentence[1]) from error


def find_share(records: Records, channel: str, image_size: int, rank: int, size: int) -> Share:
    """A worker's share of a channel's records.

    Raises:
        UserError: the channel's images have another size.
    """
    with Reader(records) as reader:
        (first,) = reader.read([0])
    (pixels,) = tf.train.Example.FromString(first).features.feature["image"].bytes_list.value
    if len(pixels) != image_size**2 * 3:
        raise UserError(
            f"The first record of the channel {channel} holds {len(pixels)} bytes of pixels, and "
            f"an image_size of {image_size} asks for {image_size**2 * 3}: make image_size the size "
            "of ShardImages."
        )
    return Share(records, image_size, rank, size)


def training_batches(  # noqa: PLR0913 - where an order begins and ends
    share: Share, batch_size: int, *, seed: int, epochs: int, epoch: int = 0, step: int = 0
) -> Batches:
    """The `batches` of all epochs, one after the other, from step `step` of `epoch` on."""

    def generate() -> Iterator[_Batch]:
        for number in range(epoch, epochs):
            first = step if number == epoch else 0
            yield from _numbered(share, share.numbers(seed, number), batch_size, first)

    return _read(generate, share, batch_size)


def batches(share: Share, batch_size: int) -> Batches:
    """`(image, label, weight, key)` batches of exactly `batch_size`, as many as `share.steps`.

    Returns:
        image uint8 [batch, size, size, 3], label int64 [batch], weight float32 [batch] of 1, or 0
        where a record only fills the batch up, key string [batch].
    """
    return _read(lambda: _numbered(share, share.numbers(None), batch_size), share, batch_size)


_Batch = tuple[np.ndarray, np.ndarray]
"""Numbers of records, int64 [batch], and their weights, float32 [batch]."""


def _numbered(
    share: Share, numbers: np.ndarray, batch_size: int, first: int = 0
) -> Iterator[_Batch]:
    # Real images, as blanks would spoil the statistics of batch normalisation.
    spare = numbers if len(numbers) else np.arange(share.records.count)
    for step in range(first, share.steps(batch_size)):
        mine = numbers[step * batch_size : (step + 1) * batch_size]
        weights = np.zeros(batch_size, np.float32)
        weights[: len(mine)] = 1.0
        yield np.concatenate([mine, np.resize(spare, batch_size - len(mine))]), weights


def _read(generate: Callable[[], Iterator[_Batch]], share: Share, batch_size: int) -> Batches:
    """Reads several batches for each call from TensorFlow into Python, as a call has its price."""
    together = max(1, min(_TOGETHER, _TOGETHER_BYTES // (batch_size * share.image_size**2 * 3)))

    def chunks() -> Iterator[tuple[list[list[bytes]], np.ndarray]]:
        numbered = generate()
        with Reader(share.records) as reader:
            while chunk := list(islice(numbered, together)):
                read = [reader.read(numbers) for numbers, _ in chunk]
                yield read, np.stack([weights for _, weights in chunk])

    shape = [None, batch_size]
    signature = (tf.TensorSpec(shape, tf.string), tf.TensorSpec(shape, tf.float32))
    read = tf.data.Dataset.from_generator(chunks, output_signature=signature).unbatch()
    options = tf.data.Options()
    # Its sleeps, which double, would hold up the end of an epoch.
    options.autotune.enabled = False
    options.deterministic = True
    # Beside the step on the same cores, one thread is enough, and more would take turns with it.
    options.threading.private_threadpool_size = 1
    parsed = read.map(partial(_parse, image_size=share.image_size))
    return Batches(parsed.with_options(options))


@tf.autograph.experimental.do_not_convert  # type: ignore[untyped-decorator]
def _parse(data: tf.Tensor, weights: tf.Tensor, image_size: int) -> tuple[tf.Tensor, ...]:
    features = tf.io.parse_example(data, _FEATURES)
    pixels = tf.io.decode_raw(features["image"], tf.uint8)
    images = tf.reshape(pixels, [-1, image_size, image_size, 3])
    return images, features["label"], weights, features["key"]
