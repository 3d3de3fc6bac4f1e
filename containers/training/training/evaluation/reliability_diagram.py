"""How far probabilities can be trusted, as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from training.evaluation.calibration import BINS


def draw(bins: Mapping[str, Sequence[Mapping[str, Any]]], file: Path) -> None:
    """Accuracy by predicted probability, and how many records; the same bytes for the same bins.

    https://arxiv.org/abs/1706.04599, figure 1

    Args:
        bins: model to its `calibration["bins"]` of `evaluation.json`.
    """
    figure = Figure(figsize=(6, 7), layout="constrained", dpi=100)
    accuracy, records = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    accuracy.plot([0, 1], [0, 1], color="grey", linestyle="--", label="calibrated")
    for number, (name, found) in enumerate(bins.items()):
        filled = [each for each in found if each["records"]]
        points = [each["probability"] for each in filled], [each["accuracy"] for each in filled]
        accuracy.plot(*points, marker="o", label=name, color=f"C{number}")
        places = [(each["above"] + each["to"]) / 2 for each in found]
        counts = [each["records"] for each in found]
        records.bar(places, counts, 1 / BINS, alpha=0.5, color=f"C{number}")
    accuracy.set(ylabel="accuracy", xlim=(0, 1), ylim=(0, 1))
    accuracy.legend(frameon=False, loc="upper left")
    records.set(xlabel="predicted probability", ylabel="records")
    figure.savefig(file, format="png", metadata={"Software": None})
