"""Records to batches, in the order of `training.data.order`, however the records lie in files.

Every worker takes the same number of steps: its last batch is filled up with records of weight 0,
so that no one waits for ever in an allreduce.
"""

import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice

import horovod.tensorflow as hvd
import numpy as np
import tensorflow as tf

from training.common.container import UserError
from training.data.ahead import ready
from training.data.channel import Share
from training.data.order import Order, Rest
from training.data.records import Reader, WindowReader

_FEATURES = {
    "image": tf.io.FixedLenFeature([], tf.string),
    "label": tf.io.FixedLenFeature([], tf.int64),
    "key": tf.io.FixedLenFeature([], tf.string),
}
# As exactly as libjpeg has it, so that the same file is the same pixels on any machine.
_DECODERS = {
    "jpeg": partial(tf.io.decode_jpeg, dct_method="INTEGER_ACCURATE"),
    "png": tf.io.decode_png,
}
_ENCODERS = {"jpeg": tf.io.encode_jpeg, "png": tf.io.encode_png}
_BLANK = -1
# Batches that lie ready: one that is late does not hold the step up.
_READY = 4
# Places whose records are looked up in one go.
_NUMBERS = 4096
# Batches that are read in one go, and about how many bytes at the most.
_TOGETHER, _TOGETHER_BYTES = 16, 8 * 2**20


@dataclass(frozen=True)
class Batches:
    """A dataset whose own errors stay one sentence, though TensorFlow wraps them."""

    dataset: tf.data.Dataset
    share: Share

    def __iter__(self) -> Iterator[tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]]:
        """The batches; see `batches` for their shapes.

        Raises:
            UserError: see `Reader.read`; or a record is of another encoding or size than the first.
        """
        try:
            yield from ready(self.dataset, _READY)
        except tf.errors.OpError as error:
            sentence = re.search(r"UserError: (.+)", error.message)
            if sentence is None and "Traceback" in error.message:
                raise
            share = self.share
            other = (
                f"A record of the channel holds no {share.encoding} image of {share.image_size} x "
                f"{share.image_size} pixels, as the first one does: make the shards again."
            )
            raise UserError(sentence[1] if sentence else other) from error


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

    def orders() -> Iterator[Order]:
        for number in range(epoch, epochs):
            left = rest if number == epoch else None
            yield share.order(batch_size, seed, number, rest=left)

    return _read(orders, share, batch_size)


def batches(share: Share, batch_size: int) -> Batches:
    """`(image, label, weight, key)` batches of exactly `batch_size`, in the order of the files.

    Returns:
        image uint8 [batch, size, size, 3], label int64 [batch], weight float32 [batch] of 1, or 0
        where a record only fills the batch up, key string [batch].
    """
    return _read(lambda: [share.order(batch_size)], share, batch_size)


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
            if len(mine) < size:
                # Real images, as blanks would spoil the statistics of batch normalisation.
                fillers = order.fillers(size - len(mine))
                blanks = np.full(size - len(mine) - len(fillers), _BLANK)
                mine = np.concatenate([mine, fillers, blanks])
            yield mine, weights


def _read(orders: Callable[[], Iterable[Order]], share: Share, batch_size: int) -> Batches:
    """Reads several batches for each call from TensorFlow into Python, as a call has its price."""
    together = max(1, min(_TOGETHER, _TOGETHER_BYTES // (batch_size * share.image_size**2 * 3)))
    blank = _blank(share)

    def chunks() -> Iterator[tuple[list[list[bytes]], np.ndarray]]:
        numbered = (batch for order in orders() for batch in _numbered(order))
        with _reader(share, orders) as reader:
            while chunk := list(islice(numbered, together)):
                read = [
                    [*reader.read(numbers[numbers >= 0]), *[blank] * int((numbers < 0).sum())]
                    for numbers, _ in chunk
                ]
                yield read, np.stack([weights for _, weights in chunk])

    shape = [None, batch_size]
    signature = (tf.TensorSpec(shape, tf.string), tf.TensorSpec(shape, tf.float32))
    read = tf.data.Dataset.from_generator(chunks, output_signature=signature).unbatch()
    options = tf.data.Options()
    # Its sleeps, which double, would hold up the end of an epoch.
    options.autotune.enabled = False
    options.deterministic = True
    # Beside the step on the same cores, one thread is enough for pixels, and more would take turns
    # with it.
    threads = 1 if share.encoding == "raw" else _threads()
    options.threading.private_threadpool_size = threads
    parse = partial(_parse, image_size=share.image_size, encoding=share.encoding)
    parsed = read.map(parse, num_parallel_calls=threads if threads > 1 else None)
    return Batches(parsed.with_options(options), share)


def _reader(share: Share, orders: Callable[[], Iterable[Order]]) -> Reader | WindowReader:
    if share.blocks is None:
        return Reader(share.records)
    windows = (window for order in orders() for window in order.windows())
    return WindowReader(share.records, windows)


def _threads() -> int:
    workers = hvd.local_size() if hvd.is_initialized() else 1
    return max(1, len(os.sched_getaffinity(0)) // workers)


def _blank(share: Share) -> bytes:
    """A record for a host without files; it has weight 0."""
    pixels = np.zeros([share.image_size, share.image_size, 3], np.uint8)
    image = pixels.tobytes()
    if share.encoding != "raw":
        image = _ENCODERS[share.encoding](pixels).numpy()
    made = tf.train.Example()
    made.features.feature["image"].bytes_list.value.append(image)
    made.features.feature["label"].int64_list.value.append(0)
    made.features.feature["key"].bytes_list.value.append(b"")
    return bytes(made.SerializeToString())


def decoded(image: bytes, share: Share) -> np.ndarray:
    """The pixels that an image of a record is, uint8 [size, size, 3]."""
    shape = [share.image_size, share.image_size, 3]
    if share.encoding == "raw":
        return np.frombuffer(image, np.uint8).reshape(shape)
    pixels: np.ndarray = tf.ensure_shape(
        _DECODERS[share.encoding](image, channels=3), shape
    ).numpy()
    return pixels


@tf.autograph.experimental.do_not_convert  # type: ignore[untyped-decorator]
def _parse(
    data: tf.Tensor, weights: tf.Tensor, image_size: int, encoding: str
) -> tuple[tf.Tensor, ...]:
    features = tf.io.parse_example(data, _FEATURES)
    shape = [image_size, image_size, 3]
    if encoding == "raw":
        pixels = tf.io.decode_raw(features["image"], tf.uint8)
        images = tf.reshape(pixels, [-1, *shape])
    else:
        decode = partial(_DECODERS[encoding], channels=3)
        spec = tf.TensorSpec(shape, tf.uint8)
        images = tf.map_fn(
            lambda file: tf.ensure_shape(decode(file), shape),
            features["image"],
            fn_output_signature=spec,
            parallel_iterations=1,
        )
    return images, features["label"], weights, features["key"]
