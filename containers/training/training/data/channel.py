"""The files of a channel that this host was given, and who reads what of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import horovod.tensorflow as hvd
import numpy as np
import tensorflow as tf

from records.files import DATA_SUFFIX
from records.index import SUFFIX
from records.reader import Records
from training.common.container import UserError
from training.data.order import Deal, Order, Rest
from training.data.places import Blocks, Held, Layout, Numbers
from training.data.records import Reader, damage_explained

_MAGICS = {b"\xff\xd8\xff": "jpeg", b"\x89PNG": "png"}
# Of storage far away: about what one request brings.
_BLOCK_BYTES = 2**20

Exchange = Callable[[Any], list[Any]]
"""Gives what each rank put in, in the order of ranks; every rank has to call it."""


def alone(mine: Any) -> list[Any]:
    """The exchange of a single worker."""
    return [mine]


@dataclass(frozen=True)
class Worker:
    """This worker among all.

    Attributes:
        host: the number of its host, which has the same files for all its workers.
    """

    rank: int = 0
    size: int = 1
    host: int = 0
    exchange: Exchange = alone

    @classmethod
    def of_horovod(cls) -> Self:
        """The worker that this process is."""
        return cls(hvd.rank(), hvd.size(), hvd.cross_rank(), hvd.allgather_object)


@dataclass(frozen=True)
class Share:
    """What one worker reads of a channel.

    Attributes:
        image_size: the side of its images in pixels.
        encoding: `raw`, `jpeg` or `png`: how an image lies in its record.
        blocks: see `Deal`.
    """

    records: Records
    image_size: int
    encoding: str
    worker: Worker
    layout: Layout
    blocks: Blocks | None = None

    def order(self, batch_size: int, *key: int, rest: Rest | None = None) -> Order:
        """What is left of an epoch, and what this worker reads of it; see `Order`."""
        return Order(Deal(self.layout, key, self.blocks), batch_size, rest)

    def held(self, most: int) -> Numbers:
        """Up to so many records that this host has, the first ones."""
        held = Held(self.layout, self.layout.group)
        return held.numbers(np.arange(min(most, held.count), dtype=np.int64))


def find_share(
    folder: Path, index: Path, image_size: int, worker: Worker | None = None, window_bytes: int = 0
) -> Share:
    """A worker's share of the channel in `folder`; every worker has to call it.

    Args:
        folder: all files of the channel, or those that this host was given of them.
        index: the indexes of all.
        window_bytes: what a worker may hold of storage far away; 0 where files are near.

    Raises:
        UserError: the channel has no records, files and indexes do not belong together, or the
            channel's images have another size.
    """
    worker = worker or Worker()
    indexes = sorted(index.glob(f"*{SUFFIX}"))
    files = [folder / f"{path.stem}{DATA_SUFFIX}" for path in indexes]
    with damage_explained():
        records = Records.of(files, indexes)
    there = {path.name for path in folder.glob(f"*{DATA_SUFFIX}")}
    if strange := sorted(there - {file.name for file in files}):
        raise UserError(
            f"{folder / strange[0]} has no index in {index}: the channels must come from one "
            "execution."
        )
    present = np.array([file.name in there for file in files], bool)
    mine = {
        "host": worker.host,
        "present": np.packbits(present),
        "image": _first_image(records, present),
        "bytes": sum(file.stat().st_size for file in files if file.name in there),
        "records": int(records.counts[present].sum()),
    }
    everyone = worker.exchange(mine)
    encoding = _encoding(folder, [each["image"] for each in everyone], image_size)
    layout = _layout(records, everyone, worker)
    blocks = _blocks(everyone, window_bytes) if window_bytes else None
    return Share(records, image_size, encoding, worker, layout, blocks)


def _first_image(records: Records, present: np.ndarray) -> tuple[str, int] | None:
    """How this host's first image lies in its record: the side of a file, the bytes of pixels."""
    held = np.flatnonzero(present & (records.counts > 0))
    if not held.size:
        return None
    with Reader(records) as reader:
        (first,) = reader.read([int(records.bases[held[0]])])
    (image,) = tf.train.Example.FromString(first).features.feature["image"].bytes_list.value
    for magic, encoding in _MAGICS.items():
        if image.startswith(magic):
            height, width, _ = tf.io.decode_image(image, channels=3).shape
            return encoding, height if height == width else 0
    return "raw", len(image)


def _encoding(folder: Path, images: Sequence[tuple[str, int] | None], image_size: int) -> str:
    found = {image for image in images if image is not None}
    if not found:
        raise UserError(
            f"The channel {folder.name} has no records in {folder}: look into the step ShardImages."
        )
    if len(found) > 1:
        raise UserError(
            f"The hosts' files of the channel {folder.name} hold images of several encodings or "
            "sizes: the channel must come from one execution."
        )
    encoding, size = found.pop()
    unit, wanted = (
        ("bytes of pixels", image_size**2 * 3)
        if encoding == "raw"
        else (f"pixels a side, as a {encoding}", image_size)
    )
    if size != wanted:
        raise UserError(
            f"The first record of the channel {folder.name} holds {size} {unit}, and an image_size "
            f"of {image_size} asks for {wanted}: make image_size the size of ShardImages."
        )
    return encoding


def _layout(records: Records, everyone: Sequence[dict[str, Any]], worker: Worker) -> Layout:
    count = len(records.files)
    held = np.array([np.unpackbits(each["present"], count=count) for each in everyone], bool)
    if held.all():
        return Layout.replicated(records.counts, worker.rank, worker.size)
    hosts = [each["host"] for each in everyone]
    names = sorted(set(hosts))
    of_hosts = np.array([held[hosts.index(name)] for name in names])
    holders = of_hosts.sum(axis=0)
    if (wrong := np.flatnonzero(holders != 1)).size:
        number = int(wrong[0])
        file, having = records.files[number], int(holders[number])
        raise UserError(
            f"{file.name} of the channel {file.parent.name} is on {having or 'none'} of "
            f"{len(names)} hosts: each file has to be on all (FullyReplicated) or on one "
            "(ShardedByS3Key), so look into the job's InputDataConfig."
        )
    group = names.index(worker.host)
    return Layout(
        records.counts,
        of_hosts.argmax(axis=0),
        tuple(hosts.count(name) for name in names),
        group,
        hosts[: worker.rank].count(worker.host),
    )


def _blocks(everyone: Sequence[dict[str, Any]], window_bytes: int) -> Blocks:
    whole = sum(each["bytes"] for each in everyone)
    records = max(1, sum(each["records"] for each in everyone))
    size = max(1, round(_BLOCK_BYTES * records / max(1, whole)))
    return Blocks(size, max(1, window_bytes // _BLOCK_BYTES))
