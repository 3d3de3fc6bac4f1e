"""Shards that ShardImages compressed: gzip, in several members one after the other."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from jobs import SIZE, write_shards

from training.data import batches, find_share
from training.errors import UserError


def compress(shard: Path, cut: int) -> Path:
    """Replaces a shard by two gzip members, cut at any byte."""
    data = shard.read_bytes()
    packed = shard.with_name(f"{shard.name}.gz")
    packed.write_bytes(gzip.compress(data[:cut], mtime=0) + gzip.compress(data[cut:], mtime=0))
    shard.unlink()
    return packed


def keys(folder: Path) -> list[str]:
    share = find_share(folder, "train", SIZE, rank=0, size=1)
    read = [key for batch in batches(share, 4) for key in batch[3].numpy()]
    return [key.decode() for key in read if key]


@pytest.mark.parametrize("compressed", [[0, 1, 2], [1]])
def test_compressed_shards_hold_the_same_records_in_the_same_order(tmp_path, compressed):
    expected = write_shards(tmp_path / "train", [5, 3, 4])
    shards = sorted((tmp_path / "train").iterdir())
    for index in compressed:
        compress(shards[index], cut=700)
    assert keys(tmp_path / "train") == expected


def test_each_rank_reads_its_share_of_compressed_shards(tmp_path):
    expected = write_shards(tmp_path / "train", [5, 3])
    for shard in list((tmp_path / "train").iterdir()):
        compress(shard, cut=700)
    shares = [find_share(tmp_path / "train", "train", SIZE, rank, 2) for rank in (0, 1)]
    read = [key for share in shares for batch in batches(share, 4) for key in batch[3].numpy()]
    assert sorted(key.decode() for key in read if key) == sorted(expected)


@pytest.mark.parametrize("lost", [1, 10, 50])
def test_a_compressed_shard_that_breaks_off_is_named(tmp_path, lost):
    write_shards(tmp_path / "train", [5])
    packed = compress(next((tmp_path / "train").iterdir()), cut=700)
    packed.write_bytes(packed.read_bytes()[:-lost])
    with pytest.raises(UserError, match=r"tfrecord\.gz breaks off in the middle of a record"):
        keys(tmp_path / "train")
