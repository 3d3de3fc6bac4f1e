"""Curves over epochs, as SVG for a page; the same bytes for the same history."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure


def draw_curves(history: Sequence[Mapping[str, Any]]) -> str:
    """Loss, accuracy and where the time went; an `<svg>` element."""
    with rc_context({"svg.hashsalt": "shardwise", "svg.fonttype": "none"}):
        figure = Figure(figsize=(11, 3.2), layout="constrained")
        loss, accuracy, time = figure.subplots(1, 3)
        epochs = [entry["epoch"] for entry in history]
        for axes, name in ((loss, "loss"), (accuracy, "accuracy")):
            for kind in (name, f"validation_{name}"):
                axes.plot(epochs, [entry[kind] for entry in history], marker=".", label=kind)
            axes.set(xlabel="epoch", ylabel=name)
            axes.legend(frameon=False)
        shares = ("input_share", "compute_share", "communication_share")
        stacked = [[entry[share] for entry in history] for share in shares]
        time.stackplot(epochs, stacked, labels=[share.removesuffix("_share") for share in shares])
        time.set(xlabel="epoch", ylabel="share of a step's time", ylim=(0, 1))
        time.legend(frameon=False, loc="lower left")
        file = io.StringIO()
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    text = file.getvalue()
    return text[text.index("<svg") :]
