"""How the records of a channel are shared out to workers."""

from __future__ import annotations

import pytest
from jobs import share_of, write_shards

from training.common.container import UserError
from training.data.batches import batches, training_batches

BATCH = 8


def counted(dataset) -> list[list[str]]:
    """Keys that count, batch by batch."""
    return [
        [key.decode() for key in keys.numpy()[weights.numpy() > 0]]
        for _, _, weights, keys in dataset
    ]


@pytest.mark.parametrize("workers", [1, 2, 3, 4])
@pytest.mark.parametrize(
    "shards", [[1, 7, 500], [0, 3], [2]], ids=["uneven", "an empty shard", "fewer than a batch"]
)
def test_each_record_is_read_once_an_epoch_and_no_worker_takes_more_steps(
    tmp_path, workers, shards
):
    keys = write_shards(tmp_path / "train", shards)
    shares = [share_of(tmp_path / "train", rank, workers) for rank in range(workers)]

    read = [counted(training_batches(share, BATCH, seed=1, epochs=2)) for share in shares]

    steps = {len(batches_) for batches_ in read}
    assert steps == {2 * shares[0].order(BATCH).steps}
    for epoch in range(2):
        first = epoch * shares[0].order(BATCH).steps
        of_epoch = [
            key
            for batches_ in read
            for batch in batches_[first : first + shares[0].order(BATCH).steps]
            for key in batch
        ]
        assert sorted(of_epoch) == sorted(keys)


def test_an_epoch_has_another_order_and_the_same_seed_the_same(tmp_path):
    write_shards(tmp_path / "train", [40])
    share = share_of(tmp_path / "train")

    def orders(seed: int) -> list[list[str]]:
        read = counted(training_batches(share, 40, seed=seed, epochs=2))
        assert len(read) == 2
        return read

    assert orders(1) == orders(1)
    assert orders(1)[0] != orders(1)[1]
    assert orders(1) != orders(2)


def test_a_run_goes_on_from_any_step(tmp_path):
    write_shards(tmp_path / "train", [50])
    share = share_of(tmp_path / "train", 1, 2)
    whole = counted(training_batches(share, 4, seed=3, epochs=3))
    order = share.order(4)

    left = order.rest(2)
    rest = counted(training_batches(share, 4, seed=3, epochs=3, epoch=1, rest=left))

    assert rest == whole[order.steps + 2 :]


def test_the_validation_channel_keeps_its_order(tmp_path):
    keys = write_shards(tmp_path / "train", [5, 6])
    read = counted(batches(share_of(tmp_path / "train"), 4))
    assert [key for batch in read for key in batch] == keys


def test_a_damaged_record_is_named_by_its_place(tmp_path):
    write_shards(tmp_path / "train", [4])
    (shard,) = (tmp_path / "train").iterdir()
    content = bytearray(shard.read_bytes())
    content[60] ^= 1
    shard.write_bytes(content)

    with pytest.raises(UserError, match=r"The record at byte \d+ of .* is damaged"):
        counted(batches(share_of(tmp_path / "train"), 4))


def test_a_shard_that_breaks_off_is_named(tmp_path):
    write_shards(tmp_path / "train", [4])
    (shard,) = (tmp_path / "train").iterdir()
    shard.write_bytes(shard.read_bytes()[:-3])

    with pytest.raises(UserError, match=r"\.tfrecord has \d+ bytes and its index tells of \d+"):
        share_of(tmp_path / "train")
