"""Memory does not grow with the number of objects."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.generated_bucket import generated

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


def test_four_times_the_objects_are_listed_in_the_same_memory(tmp_path):
    few, many = (stage(rows, tmp_path / str(rows)) for rows in (FEW, MANY))
    assert (few["rows"], many["rows"]) == (FEW, MANY)
    assert many["changes"] == [0, 0]
    # In KiB; the keys alone of what comes on top are 6 MB, as a list of strings 20 MB.
    assert many["peak"] - few["peak"] < 32 * 1024
