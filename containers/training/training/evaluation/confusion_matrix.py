"""The confusion matrix as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

_MOST_WITH_NUMBERS = 30
# More would lie upon each other.
_MOST_WITH_NAMES = 200


def draw(matrix: np.ndarray, labels: Sequence[str], file: Path) -> None:
    """Writes a PNG, the same bytes for the same matrix.

    Args:
        matrix: int64 [true class, predicted class].
    """
    side = min(4 + 0.35 * len(labels), 24)
    figure = Figure(figsize=(side, side), layout="constrained", dpi=100)
    axes = figure.subplots()
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set(xlabel="predicted", ylabel="true")
    size = 10 if len(labels) <= _MOST_WITH_NUMBERS else 6
    if len(labels) <= _MOST_WITH_NAMES:
        axes.set_xticks(range(len(labels)), labels, rotation=90, fontsize=size, parse_math=False)
        axes.set_yticks(range(len(labels)), labels, fontsize=size, parse_math=False)
    if len(labels) <= _MOST_WITH_NUMBERS:
        for (row, column), value in np.ndenumerate(matrix):
            if value:
                colour = "white" if shares[row, column] > 0.5 else "black"
                axes.text(column, row, str(value), ha="center", va="center", color=colour)
    figure.savefig(file, format="png", metadata={"Software": None})
