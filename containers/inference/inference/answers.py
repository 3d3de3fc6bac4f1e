"""Predictions as JSON, or probabilities as a NumPy array."""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import orjson

from inference.model import Probabilities
from inference.processing import postprocess


def json_answer(
    rows: Sequence[Probabilities],
    labels: Sequence[str],
    *,
    single: bool,
    model_package_arn: str | None,
    request_id: str,
) -> bytes:
    """`{"label", "probability", "probabilities", "top", "model_package_arn", "request_id"}`, or
    `{"predictions": [{"label", ...}, ...], "model_package_arn", "request_id"}` for a batch.

    rows: float32 [classes] for each image.
    """
    predictions = [postprocess(row, labels) for row in rows]
    answer: dict[str, Any] = predictions[0] if single else {"predictions": predictions}
    answer |= {"model_package_arn": model_package_arn, "request_id": request_id}
    return orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY)


def npy_answer(rows: Sequence[Probabilities]) -> bytes:
    """Float32 [n, classes]."""
    file = io.BytesIO()
    np.save(file, np.stack(rows), allow_pickle=False)
    return file.getvalue()
