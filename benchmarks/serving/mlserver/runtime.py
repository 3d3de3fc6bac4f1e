"""A runtime for MLServer; `model-settings.json` beside it turns adaptive batching on.

https://docs.seldon.ai/mlserver/user-guide/adaptive-batching
"""

import os
from pathlib import Path

import numpy as np
from mlserver import MLModel
from mlserver.codecs import Base64Codec, NumpyCodec, StringCodec
from mlserver.types import InferenceRequest, InferenceResponse

from benchmarks.serving.network import Network


class Classifier(MLModel):
    """The network behind MLServer; MODEL_FOLDER is in its environment."""

    async def load(self) -> bool:
        """Loads the network."""
        self.network = Network(Path(os.environ["MODEL_FOLDER"]))
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """The labels and probabilities of a batch of files in base64."""
        files = Base64Codec.decode_input(payload.inputs[0])
        pixels = np.stack([self.network.pixels(file) for file in files])
        probabilities = self.network.probabilities(pixels)
        labels = [self.network.labels[best] for best in probabilities.argmax(axis=1)]
        outputs = [
            StringCodec.encode_output("labels", labels),
            NumpyCodec.encode_output("probabilities", probabilities),
        ]
        return InferenceResponse(model_name=self.name, outputs=outputs)
