"""Decoding and the forward pass in one process, without HTTP. Usage: … bare FOLDER PHOTOS SECONDS

Prints images/s, by how many images a pass takes at once.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path

from benchmarks.serving.network import Network

BATCHES = (1, 8)


def main(folder: Path, photographs: Path, seconds: float) -> None:
    network = Network(folder)
    files = [file.read_bytes() for file in sorted(photographs.rglob("*.jpg"))]
    print(json.dumps({str(batch): _rate(network, files, batch, seconds) for batch in BATCHES}))


def _rate(network: Network, files: Sequence[bytes], batch: int, seconds: float) -> float:
    endless, done = cycle(files), 0
    # Twice, so that the first is warm.
    for _ in range(2):
        network.answers(list(islice(endless, batch)))
    began = time.perf_counter()
    while time.perf_counter() - began < seconds:
        network.answers(list(islice(endless, batch)))
        done += batch
    return done / (time.perf_counter() - began)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]))
