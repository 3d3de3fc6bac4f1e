"""A BentoML service with adaptive batching: `bentoml serve <this module>:Classifier`.

https://docs.bentoml.com/en/latest/get-started/adaptive-batching.html
"""

import os
from pathlib import Path
from typing import Any

import bentoml
from PIL import Image

from benchmarks.serving.network import Network


@bentoml.service(workers=1)
class Classifier:
    """The service; MODEL_FOLDER is in its environment."""

    def __init__(self) -> None:
        self.network = Network(Path(os.environ["MODEL_FOLDER"]))

    @bentoml.api(batchable=True, max_batch_size=8)
    def classify(self, images: list[Image.Image]) -> list[dict[str, Any]]:
        """An answer an image, in their order."""
        # Opened, not decoded yet: the files are decoded as everywhere.
        for image in images:
            image.fp.seek(0)
        return self.network.answers([image.fp.read() for image in images])
