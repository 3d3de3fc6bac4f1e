"""Manifests, for any key that S3 takes."""

import json
import random

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.assigned import class_labels, stage

from drops.s3_uri import S3Uri
from processing.common.container import CHANNELS
from processing.manifests.assignment import Assigner
from processing.manifests.contents import Partitions
from processing.manifests.outputs import Folders, ManifestWriter, Names, write_outputs
from processing.manifests.split import Split
from processing.shards.fairness import fairness

names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)
rows = st.lists(st.tuples(names, st.sampled_from(range(len(CHANNELS)))), max_size=30)


@given(batches=st.lists(rows, max_size=4), prefix=names)
def test_each_manifest_is_json_that_lists_its_objects_in_order(tmp_path_factory, batches, prefix):
    folder = tmp_path_factory.mktemp("manifests")
    drops = S3Uri("bucket", f"{prefix}/")
    with ManifestWriter(folder, drops) as manifests:
        for batch in batches:
            keys = pa.array([f"{drops.key}{name}" for name, _ in batch], pa.string())
            # A slice, as a batch of a larger table may be.
            whole = pa.concat_arrays([pa.array(["before"]), keys])
            manifests.append(whole.slice(1), np.array([code for _, code in batch], np.uint8))
    for code, channel in enumerate(CHANNELS):
        written = json.loads((folder / f"{channel}.manifest").read_bytes())
        listed = [name for batch in batches for name, of in batch if of == code]
        assert written == [{"prefix": str(drops)}, *listed]


def written(folder, objects, seed=1):
    """The entries of each manifest of objects, digests by key `<drop>/<class>/<file>`."""
    folder.mkdir()
    staged = stage(folder, objects)
    labels = tuple(class_labels(objects))
    assigner = Assigner(
        partitions=Partitions(staged, len(objects), folder / "partitions"),
        objects=len(objects),
        class_labels=labels,
        memberships=[],
        split=Split(0.2, 0.2, 1, seed),
    )
    drops = tuple(sorted({key.split("/")[0] for key in objects}))
    folders = Folders(folder / "manifests", folder / "lineage", folder / "working")
    folders.working.mkdir()
    write_outputs(staged, assigner, Names(labels, drops, labels, "e"), S3Uri("b", ""), folders)
    return {
        channel: json.loads((folders.manifests / f"{channel}.manifest").read_bytes())[1:]
        for channel in CHANNELS
    }


def objects_of(classes, copied=0):
    """So many objects of each class; `copied` of the first one have one content."""
    numbers = random.Random(3)
    found = {
        f"d/{label}/{number:05d}.jpg": numbers.randbytes(32)
        for label, count in classes.items()
        for number in range(count)
    }
    first = next(iter(classes))
    return found | {f"d/{first}/{number:05d}.jpg": bytes(32) for number in range(copied)}


def test_the_same_objects_give_the_same_manifests_and_another_seed_another_order(tmp_path):
    objects = objects_of({"a": 300, "b": 300})
    one, two, other = (
        written(tmp_path / name, objects, seed) for name, seed in (("1", 1), ("2", 1), ("3", 2))
    )
    assert one == two
    assert sorted(entry for entries in one.values() for entry in entries) == sorted(objects)
    assert one["train"] != sorted(one["train"])
    both = set(one["train"]) & set(other["train"])
    orders = [[entry for entry in each["train"] if entry in both] for each in (one, other)]
    assert orders[0] != orders[1]


@pytest.mark.parametrize("copied", [0, 900])
@pytest.mark.parametrize("hosts", [2, 7])
def test_whatever_part_of_a_manifest_a_host_is_dealt_no_class_is_missing(tmp_path, hosts, copied):
    entries = written(tmp_path / "e", objects_of({"a": 2000, "b": 600, "c": 200}, copied))["train"]
    labels = np.array(["abc".index(entry.split("/")[1]) for entry in entries])
    for parts in (np.array_split(labels, hosts), [labels[n::hosts] for n in range(hosts)]):
        counts = [np.bincount(part, minlength=3) for part in parts]
        dealt = fairness(sum(counts), counts, [len(part) for part in parts])
        assert dealt.of_limit < 1
        assert all(count.all() for count in counts)
