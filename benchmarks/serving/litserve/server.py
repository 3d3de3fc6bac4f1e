"""LitServe with batching. Usage: python -m benchmarks.serving.litserve.server FOLDER PORT

https://lightning.ai/docs/litserve/features/batching
"""

# LitServe looks at the annotation of `request` itself, so that it must not be a string.
import sys
from pathlib import Path
from typing import Any

import litserve
from fastapi import Request

from benchmarks.serving.network import Network


class Classifier(litserve.LitAPI):
    """The network behind LitServe."""

    folder: Path

    def setup(self, _device: str) -> None:
        """Loads the network, in the worker."""
        self.network = Network(self.folder)

    def decode_request(self, request: Request) -> bytes:
        """The image file of a form."""
        content: bytes = request["image"].file.read()
        return content

    def predict(self, files: list[bytes]) -> list[dict[str, Any]]:
        """An answer a file, in their order."""
        return self.network.answers(files)


if __name__ == "__main__":
    classifier = Classifier(max_batch_size=8, batch_timeout=0.01)
    classifier.folder = Path(sys.argv[1])
    server = litserve.LitServer(classifier, accelerator="cpu", workers_per_device=1)
    server.run(
        host="127.0.0.1", port=int(sys.argv[2]), log_level="warning", generate_client_file=False
    )
