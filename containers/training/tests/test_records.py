"""Records as hosts get them: encoded, on one host or on all, near or far away."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from jobs import SIZE, example, index_of, share_of, shares_of, write_files, write_shards

from records import reader
from training.common.container import UserError
from training.data.batches import batches, decoded, training_batches
from training.data.places import Blocks

RECORDS = [101, 0, 7, 150, 30]


def keys(batched) -> list[str]:
    """Those that count, in the order read."""
    return [
        key.decode()
        for _, _, weights, names in batched
        for key in names.numpy()[weights.numpy() > 0]
    ]


def dealt(folder: Path, owners: list[int], hosts: int) -> list[Path]:
    """The channel in `folder`, each file on one host."""
    folders = [folder.parent / f"host-{host}" / folder.name for host in range(hosts)]
    for each in folders:
        each.mkdir(parents=True)
    for file, owner in zip(sorted(folder.iterdir()), owners, strict=True):
        shutil.copy(file, folders[owner])
    return folders


WAYS = {
    "File, FullyReplicated": (False, 0),
    "FastFile, FullyReplicated": (False, 2**20),
    "File, ShardedByS3Key": (True, 0),
    "FastFile, ShardedByS3Key": (True, 2**20),
}


@pytest.mark.parametrize("way", WAYS)
def test_each_record_is_read_once_an_epoch_and_all_take_the_same_steps(tmp_path, way, monkeypatch):
    # Blocks of few records, as of large ones.
    monkeypatch.setattr("training.data.channel._BLOCK_BYTES", 2_000)
    sharded, window = WAYS[way]
    every = write_shards(tmp_path / "train", RECORDS)
    folders = [tmp_path / "train"] * 3
    if sharded:
        folders = dealt(tmp_path / "train", [0, 1, 0, 2, 2], 3)

    def epochs() -> list[list[str]]:
        shares = shares_of(folders, index_of(tmp_path / "train"), 2, window and 8_000)
        assert (shares[0].blocks is not None) == bool(window)
        taken = [list(training_batches(share, 8, seed=1, epochs=2)) for share in shares]
        assert len({len(each) for each in taken}) == 1
        steps = len(taken[0]) // 2
        return [
            [key for each in taken for key in keys(each[epoch * steps : (epoch + 1) * steps])]
            for epoch in range(2)
        ]

    first, second = epochs()
    assert sorted(first) == sorted(second) == sorted(every)
    assert first != second
    assert [first, second] == epochs()


def test_blocks_are_read_whole_and_each_once(tmp_path, monkeypatch):
    monkeypatch.setattr("training.data.channel._BLOCK_BYTES", 2_000)
    write_shards(tmp_path / "train", RECORDS)
    (share,) = shares_of([tmp_path / "train"], index_of(tmp_path / "train"), 1, 8_000)
    asked: list[tuple[int, int]] = []
    read = os.pread

    def watched(descriptor: int, size: int, place: int) -> bytes:
        asked.append((size, place))
        return read(descriptor, size, place)

    monkeypatch.setattr(reader.os, "pread", watched)
    found = keys(training_batches(share, 4, seed=1, epochs=1))

    assert len(found) == len(set(found)) == sum(RECORDS)
    assert share.blocks == Blocks(2_000 // 282, 4)
    whole = sum(file.stat().st_size for file in (tmp_path / "train").iterdir())
    # The last batch alone is filled up by records that are read once more.
    assert whole <= sum(size for size, _ in asked) < whole + 4 * 300
    assert len(asked) < sum(RECORDS) / 3


def test_a_host_without_files_takes_part_with_blanks(tmp_path):
    every = write_shards(tmp_path / "train", [5])
    folders = dealt(tmp_path / "train", [1], 2)
    empty, full = shares_of(folders, index_of(tmp_path / "train"), 1)

    nothing, all_of_it = (list(training_batches(s, 2, seed=1, epochs=1)) for s in (empty, full))

    assert len(nothing) == len(all_of_it) == 3
    assert not any(weights.numpy().any() for _, _, weights, _ in nothing)
    assert sorted(keys(all_of_it)) == sorted(every)


def test_a_file_that_some_hosts_have_is_refused(tmp_path):
    write_shards(tmp_path / "train", [5, 6])
    folders = dealt(tmp_path / "train", [0, 0], 3)
    for host in (0, 1):
        shutil.copy(next((tmp_path / "train").iterdir()), folders[host])
    with pytest.raises(UserError, match=r"is on 2 of 3 hosts: .*InputDataConfig"):
        shares_of(folders, index_of(tmp_path / "train"), 1)


def test_a_file_without_index_is_refused(tmp_path):
    write_shards(tmp_path / "train", [5])
    (tmp_path / "train" / "train-other.tfrecord").touch()
    with pytest.raises(UserError, match=r"train-other.tfrecord has no index in .*index/train"):
        share_of(tmp_path / "train")


def test_a_file_that_no_host_has_is_refused(tmp_path):
    write_shards(tmp_path / "train", [5, 6])
    next((tmp_path / "train").iterdir()).unlink()
    with pytest.raises(UserError, match=r"of the channel train is on none of 1 hosts"):
        share_of(tmp_path / "train")


def encoded(encode, pixels: np.ndarray) -> bytes:
    """A record of an image file."""
    made = tf.train.Example.FromString(example(1, "drop/1/a.jpg"))
    made.features.feature["image"].bytes_list.value[0] = encode(pixels).numpy()
    return made.SerializeToString()


PIXELS = np.random.default_rng(1).integers(0, 256, [SIZE, SIZE, 3], np.uint8)


@pytest.mark.parametrize("encoding", ["png", "jpeg"])
def test_an_encoded_image_is_decoded_as_the_step_sees_it(tmp_path, encoding):
    encode = getattr(tf.io, f"encode_{encoding}")
    write_files(tmp_path / "train", [[(encoded(encode, PIXELS), 1)]])
    share = share_of(tmp_path / "train")
    assert share.encoding == encoding

    ((images, labels, weights, _),) = batches(share, 2)

    assert images.dtype == tf.uint8
    assert (labels.numpy().tolist(), weights.numpy().tolist()) == ([1, 1], [1, 0])
    file = tf.train.Example.FromString(encoded(encode, PIXELS)).features.feature["image"]
    expected = decoded(file.bytes_list.value[0], share)
    assert (images.numpy() == expected).all()
    assert (expected == PIXELS).all() == (encoding == "png")


def test_images_of_another_size_or_encoding_are_refused(tmp_path):
    good, large = PIXELS, np.zeros([SIZE + 1, SIZE + 1, 3], np.uint8)
    write_files(tmp_path / "first", [[(encoded(tf.io.encode_png, large), 1)]])
    with pytest.raises(UserError, match=f"holds {SIZE + 1} pixels a side, as a png, and an image_"):
        share_of(tmp_path / "first")
    for name, other in (("size", encoded(tf.io.encode_png, large)), ("raw", example(1, "x"))):
        write_files(tmp_path / name, [[(encoded(tf.io.encode_png, good), 1), (other, 1)]])
        with pytest.raises(UserError, match=f"no png image of {SIZE} x {SIZE} pixels"):
            list(batches(share_of(tmp_path / name), 2))
