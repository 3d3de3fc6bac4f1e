"""Memory does not grow with the number of objects."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from tests.generated_bucket import generated

from processing.manifests.membership import Members, MembershipWriter, count_members

FEW, MANY = 80_000, 320_000


def measure(module, *arguments, **environment):
    """What `module` prints of its peak memory, in the environment that the image sets."""
    paths = os.pathsep.join([".", "..", *filter(None, [os.environ.get("PYTHONPATH")])])
    ended = subprocess.run(
        [sys.executable, "-m", module, *map(str, arguments)],
        env=os.environ | of_the_image() | {"PYTHONPATH": paths} | environment,
        cwd=Path(__file__).parents[1],
        check=True,
        capture_output=True,
    )
    return json.loads(ended.stdout)


def of_the_image():
    text = (Path(__file__).parents[1] / "Dockerfile").read_text()
    names = ("ARROW_DEFAULT_MEMORY_POOL", "MALLOC_ARENA_MAX")
    return {name: text.partition(f"{name}=")[2].split()[0] for name in names}


def assign(rows, folder):
    folder.mkdir()
    return measure("tests.large_dataset", rows, folder)


def remember(bench, count):
    """The peak of a run of few objects after runs that assigned `count` contents."""
    path = bench.folder / f"{count}.parquet"
    digests = np.sort(np.frombuffer(np.random.default_rng(0).bytes(32 * count), "S32"))
    nowhere = np.zeros(count, np.int64)
    with MembershipWriter(path) as writer:
        gone = Members(digests.view("V32"), nowhere.astype(np.uint8), nowhere > 0)
        writer.append(gone, nowhere, nowhere[:0])
    bench.s3.upload_file(str(path), bench.artifacts, "lineage/e1/membership.parquet")
    root = bench.folder / str(count)
    peak = measure("tests.measured_step", root, *bench.arguments(f"e{count}", "d1"))["peak"]
    written = root / "processing" / "output" / "lineage" / "membership.parquet"
    return peak, count_members(written)


def stage(rows, folder):
    folder.mkdir()
    with generated(rows) as url:
        keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
        return measure(
            "tests.large_listing", folder, AWS_ENDPOINT_URL=url, AWS_DEFAULT_REGION="x", **keys
        )


def test_four_times_the_objects_are_assigned_in_the_same_memory(tmp_path):
    few, many = (assign(rows, tmp_path / str(rows)) for rows in (FEW, MANY))
    assert (few["contents"], many["contents"], many["rows"]) == (FEW, MANY, MANY)
    # In KiB. A byte an object is on a mapped file.
    assert many["peak"] - few["peak"] < 8 * 1024


def test_of_a_few_objects_four_times_the_history_is_kept_in_the_same_memory(bench):
    files = {f"{label}/{n}.jpg": f"{label}{n}".encode() for label in "ab" for n in range(20)}
    bench.drop("d1", files)
    bench.publish(bench.run("e1", "d1"))
    (few, all_few), (many, all_many) = (remember(bench, count) for count in (FEW, MANY))
    assert (all_few, all_many) == (FEW + len(files), MANY + len(files))
    # In KiB; the digests alone of what comes on top are 7.5 MB, as they are grouped 50 MB.
    assert many - few < 8 * 1024


def test_four_times_the_objects_are_listed_in_the_same_memory(tmp_path):
    few, many = (stage(rows, tmp_path / str(rows)) for rows in (FEW, MANY))
    assert (few["rows"], many["rows"]) == (FEW, MANY)
    assert many["changes"] == [0, 0]
    # In KiB; the keys alone of what comes on top are 6 MB, as a list of strings 20 MB.
    assert many["peak"] - few["peak"] < 32 * 1024
