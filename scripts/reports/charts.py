"""The report's curves, as SVG that stands inside the page."""

from __future__ import annotations

import io
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

_CURVES = (
    ("Loss", "loss", "validation_loss"),
    ("Accuracy", "accuracy", "validation_accuracy"),
)
CURVES = frozenset(name for _, *names in _CURVES for name in names)
"""What each entry of a history has, beside its `epoch`."""


def learning_curves(history: list[dict[str, Any]]) -> str:
    """Loss and accuracy by epoch, training beside validation, as one SVG element.

    Args:
        history: one dict an epoch, as `training.json` has them.
    """
    figure = Figure(figsize=(9, 3), layout="constrained")
    epochs = [entry["epoch"] + 1 for entry in history]
    for axes, (title, training, validation) in zip(figure.subplots(1, 2), _CURVES, strict=True):
        axes.plot(epochs, [entry[training] for entry in history], label="train")
        axes.plot(epochs, [entry[validation] for entry in history], label="validation")
        axes.set(title=title, xlabel="epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
        axes.legend(frameon=False)
    svg = io.StringIO()
    # The salt and the missing date keep the same history the same bytes.
    with rc_context({"svg.hashsalt": "shardwise"}):
        figure.savefig(svg, format="svg", metadata={"Date": None}, transparent=True)
    text = svg.getvalue()
    return text[text.index("<svg") :]
