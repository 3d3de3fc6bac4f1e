"""Decoding and the bare forward pass: what the servers beside ours have in common with it.

As a program, FOLDER PHOTOGRAPHS SECONDS: the two in one process, without HTTP. Prints images/s, by
how many images a pass takes at once.

The same runtime, the same properties, and the same pixels unless DECODING is "pillow". Runs in
several environments.
"""

import io
import json
import os
import sys
import time
from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np
import openvino
from PIL import Image

from preprocessing import decode

BATCHES = (1, 8)
# Those of containers/inference on one core.
PROPERTIES = {
    "INFERENCE_PRECISION_HINT": "f32",
    "NUM_STREAMS": 1,
    "INFERENCE_NUM_THREADS": 1,
    "ENABLE_CPU_PINNING": False,
}


class Network:
    """A model folder of `make_model`, by OpenVINO."""

    def __init__(self, folder: Path) -> None:
        description = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        self.labels: list[str] = description["labels"]
        self.side: int = description["image_size"]
        core = openvino.Core()
        compiled = core.compile_model(folder / "saved_model", "CPU", PROPERTIES)
        self._decode = pillow if os.environ.get("DECODING") == "pillow" else decode
        self._request = compiled.create_infer_request()

    def pixels(self, file: bytes) -> np.ndarray:
        """Of an image file: uint8 [side, side, 3]."""
        return self._decode(file, self.side)

    def probabilities(self, pixels: np.ndarray) -> np.ndarray:
        """uint8 [n, side, side, 3] to float32 [n, classes]."""
        self._request.infer({0: pixels}, share_inputs=True)
        given: np.ndarray = self._request.get_output_tensor(0).data
        return given.copy()

    def answers(self, files: Sequence[bytes]) -> list[dict[str, Any]]:
        """What a server says of each image file."""
        found = self.probabilities(np.stack([self.pixels(file) for file in files]))
        return [
            {
                "label": self.labels[each.argmax()],
                "probability": float(each.max()),
                "probabilities": dict(zip(self.labels, map(float, each), strict=True)),
            }
            for each in found
        ]


def pillow(file: bytes, side: int) -> np.ndarray:
    """As examples of servers do it."""
    picture = Image.open(io.BytesIO(file)).convert("RGB")
    return np.asarray(picture.resize((side, side), Image.Resampling.BILINEAR))


def main(folder: Path, photographs: Path, seconds: float) -> None:
    """Passes photographs through for so many seconds, for each of BATCHES."""
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
