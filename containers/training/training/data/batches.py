"""Records to batches, in the order of `training.data.order`, however the records lie in files.

Every worker takes the same number of steps: its last batch is filled up with records of weight 0,
so that no one waits for ever in an allreduce.
"""

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
from training.data.order import Deal, Order, Rest
from training.data.places import Blocks, Layout
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
# Places whose records are looked up in one go.
_NUMBERS = 4096
# Batches that are read in one go, and about how many bytes at the most.
_TOGETHER, _TOGETHER_BYTES = 16, 8 * 2**20


@dataclass(frozen=True)
class Share:
    """What one worker reads of a channel.

    Attributes:
        image_size: the side of its images in pixels.
        blocks: see `Deal`.
    """

    records: Records
    image_size: int
    layout: Layout
    blocks: Blocks | None = None

    def order(self, batch_size: int, *key: int, rest: Rest | None = None) -> Order:
        """What is left of an epoch, and what this worker reads of it; see `Order`."""
        return Order(Deal(self.layout, key, self.blocks), batch_size, rest)


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
    return Share(records, image_size, Layout.replicated([records.count], rank, size))


def training_batches(  # noqa: PLR0913 - where an order begins and ends
    share: Share,
    batch_size: int,
    *,
    seed: int,
    epochs: int,
    epoch: int = 0,
    rest: Rest | None = None,
) -> Batches:
    """The `batches` of all epochs, one after the other, from the `rest` of `epoch` on."""

    def generate() -> Iterator[_Batch]:
        for number in range(epoch, epochs):
            left = rest if number == epoch else None
            yield from _numbered(share.order(batch_size, seed, number, rest=left))

    return _read(generate, share, batch_size)


def batches(share: Share, batch_size: int) -> Batches:
    """`(image, label, weight, key)` batches of exactly `batch_size`, in the order of the files.

    Returns:
        image uint8 [batch, size, size, 3], label int64 [batch], weight float32 [batch] of 1, or 0
        where a record only fills the batch up, key string [batch].
    """
    return _read(lambda: _numbered(share.order(batch_size)), share, batch_size)


_Batch = tuple[np.ndarray, np.ndarray]
"""Numbers of records, int64 [batch], and their weights, float32 [batch]."""


def _numbered(order: Order) -> Iterator[_Batch]:
    size = order.batch_size
    some = max(1, _NUMBERS // size)
    for begin in range(0, order.steps, some):
        numbers = order.numbers(begin, some)
        for step in range(min(some, order.steps - begin)):
            mine = numbers[step * size : (step + 1) * size]
            weights = np.zeros(size, np.float32)
            weights[: len(mine)] = 1.0
            # Real images, as blanks would spoil the statistics of batch normalisation.
            yield np.concatenate([mine, order.fillers(size - len(mine))]), weights


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
