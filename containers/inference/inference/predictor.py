"""Image bytes in, answer out, on threads of its own."""

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypedDict

from inference.artifact import Artifact
from inference.golden import check_golden, read_golden
from preprocessing import decode

if TYPE_CHECKING:
    from inference.model import Model


class Prediction(TypedDict):
    label: str
    probability: float
    probabilities: dict[str, float]


class Predictor:
    """Loads a model and answers requests, both off the event loop.

    As many threads as there are cores: decoding and the model are bound by the processor, and each
    thread holds at most one decoded image, so that memory stays bounded however many requests wait.
    """

    def __init__(self, artifact: Artifact) -> None:
        self._artifact = artifact
        self._model: Model | None = None
        self._threads = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="predict")

    @property
    def ready(self) -> bool:
        return self._model is not None

    async def load(self) -> None:
        """Raises UnusableModelError, see `Model`."""
        self._model = await asyncio.get_running_loop().run_in_executor(self._threads, self._load)

    async def predict(self, image: bytes) -> Prediction:
        """Raises preprocessing.UnusableImage."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._predict, image)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _load(self) -> "Model":
        # Importing TensorFlow takes seconds: meanwhile the server already answers /ping with 503.
        from inference.model import Model  # noqa: PLC0415

        golden = read_golden(self._artifact.folder.parent, self._artifact.labels)
        model = Model(self._artifact)
        check_golden(
            golden,
            model.labels,
            lambda _type, body: model.probabilities(decode(body, model.image_size)[None])[0],
        )
        return model

    def _predict(self, image: bytes) -> Prediction:
        if self._model is None:
            raise RuntimeError("A request was let in before the model was loaded.")
        pixels = decode(image, self._model.image_size)
        probabilities = self._model.probabilities(pixels[None])[0]
        best = int(probabilities.argmax())
        return {
            "label": self._model.labels[best],
            "probability": float(probabilities[best]),
            "probabilities": dict(zip(self._model.labels, map(float, probabilities), strict=True)),
        }
