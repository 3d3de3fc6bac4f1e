"""`model.predict` behind FastAPI. Usage: python -m benchmarks.serving.keras.server FOLDER PORT

The handler is a plain function, so that FastAPI runs it on a thread, off its event loop.
https://fastapi.tiangolo.com/async/
"""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import keras
import numpy as np
import uvicorn
from fastapi import Body, FastAPI

from preprocessing import decode


def application(folder: Path) -> FastAPI:
    """The routes, with the network of a model folder."""
    model = keras.saving.load_model(folder / "network.keras")
    description = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    labels, side = description["labels"], description["image_size"]
    app = FastAPI()

    @app.get("/ping")
    def ping() -> dict[str, str]:
        return {}

    @app.post("/predict")
    def predict(image: Annotated[bytes, Body(media_type="image/jpeg")]) -> dict[str, Any]:
        pixels = decode(image, side)[None].astype(np.float32)
        logits = model.predict(pixels, verbose=0)
        probabilities = keras.ops.convert_to_numpy(keras.ops.softmax(logits))[0]
        best = int(probabilities.argmax())
        return {
            "label": labels[best],
            "probability": float(probabilities[best]),
            "probabilities": dict(zip(labels, map(float, probabilities), strict=True)),
        }

    return app


if __name__ == "__main__":
    # No line a request: the others don't write one either.
    uvicorn.run(application(Path(sys.argv[1])), port=int(sys.argv[2]), log_level="warning")
