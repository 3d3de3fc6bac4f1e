"""Memory does not grow with the number of objects."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


def measure(rows, folder):
    folder.mkdir()
    environment = os.environ | {
        "ARROW_DEFAULT_MEMORY_POOL": arrow_memory_pool(),
        "PYTHONPATH": os.pathsep.join([".", "..", *filter(None, [os.environ.get("PYTHONPATH")])]),
    }
    ended = subprocess.run(
        [sys.executable, "-m", "tests.large_dataset", str(rows), str(folder)],
        env=environment,
        cwd=Path(__file__).parents[1],
        check=True,
        capture_output=True,
    )
    return json.loads(ended.stdout)


def arrow_memory_pool():
    """As the image sets it."""
    text = (Path(__file__).parents[1] / "Dockerfile").read_text()
    return text.partition("ARROW_DEFAULT_MEMORY_POOL=")[2].split()[0]


@pytest.fixture(scope="module")
def peaks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("memory")
    return {rows: measure(rows, folder / str(rows)) for rows in (40_000, 400_000)}


def test_ten_times_the_objects_take_no_more_memory(peaks):
    few, many = peaks.values()
    assert (few["contents"], many["contents"]) == (40_000, 400_000)
    assert many["rows"] == 400_000
    # In KiB. A byte an object is on a mapped file.
    assert many["peak"] - few["peak"] < 8 * 1024
