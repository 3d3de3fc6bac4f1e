"""Your own pre- and post-processing: change these two functions, and nothing else.

They run for every image, whatever way it came; README.md, "Your own pre- and post-processing", has
an example. The golden requests go through `preprocess` too: one that gives other pixels than
training's own does not become ready.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from preprocessing import decode

TOP = 5


def preprocess(image: bytes, size: int) -> npt.NDArray[np.uint8]:
    """The model's pixels of an image file, uint8 [size, size, 3], RGB.

    Runs on several threads at once. Training's own definition: another one changes what the model
    sees, and so its accuracy.

    Raises:
        preprocessing.UnusableImage: the client's fault, answered with 400 and the reason.
    """
    return decode(image, size)


def postprocess(probabilities: npt.NDArray[np.float32], labels: Sequence[str]) -> dict[str, Any]:
    """What the answer says of one image, anything that JSON can hold.

    Runs between requests, on the thread of all connections: keep it short. Alarms and drift
    detection read `label` and `probability`.

    Args:
        probabilities: float32 [classes], finite, in the order of `labels`.
    """
    values = probabilities.tolist()
    first = np.argsort(-probabilities, kind="stable")[:TOP].tolist()
    return {
        "label": labels[first[0]],
        "probability": values[first[0]],
        "probabilities": dict(zip(labels, values, strict=True)),
        "top": [{"label": labels[i], "probability": values[i]} for i in first],
    }
