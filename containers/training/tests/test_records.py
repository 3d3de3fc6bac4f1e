"""Shards that ShardImages compressed: gzip, in several members one after the other."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from jobs import SIZE, write_shards

from training.common.container import UserError
from training.data.batches import Share, batches, find_share
from training.data.records import find_records


def compress(shard: Path, cut: int) -> Path:
    """Replaces a shard by two gzip members, cut at any byte."""
    data = shard.read_bytes()
    packed = shard.with_name(f"{shard.name}.gz")
    packed.write_bytes(gzip.compress(data[:cut], mtime=0) + gzip.compress(data[cut:], mtime=0))
    shard.unlink()
    return packed


def share_of(folder: Path, rank: int = 0, size: int = 1) -> Share:
    return find_share(find_records(folder, "train"), "train", SIZE, rank, size)


def keys(*shares: Share) -> list[str]:
    """Those that count, in the order read."""
    return [
        key.decode()
        for share in shares
        for _, _, weights, names in batches(share, 4)
        for key in names.numpy()[weights.numpy() > 0]
    ]


@pytest.mark.parametrize("compressed", [[0, 1, 2], [1]])
def test_compressed_shards_hold_the_same_records_in_the_same_order(tmp_path, compressed):
    expected = write_shards(tmp_path / "train", [5, 3, 4])
    shards = sorted((tmp_path / "train").iterdir())
    for index in compressed:
        compress(shards[index], cut=700)
    assert keys(share_of(tmp_path / "train")) == expected


def test_each_rank_reads_its_share_of_compressed_shards(tmp_path):
    expected = write_shards(tmp_path / "train", [5, 3])
    for shard in list((tmp_path / "train").iterdir()):
        compress(shard, cut=700)
    shares = [share_of(tmp_path / "train", rank, 2) for rank in (0, 1)]
    assert sorted(keys(*shares)) == sorted(expected)


@pytest.mark.parametrize("lost", [1, 10, 50])
def test_a_compressed_shard_that_breaks_off_is_named(tmp_path, lost):
    write_shards(tmp_path / "train", [5])
    packed = compress(next((tmp_path / "train").iterdir()), cut=700)
    packed.write_bytes(packed.read_bytes()[:-lost])
    with pytest.raises(UserError, match=r"tfrecord\.gz breaks off in the middle of a record"):
        share_of(tmp_path / "train")
