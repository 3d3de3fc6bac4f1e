"""The files of an evaluation, from the answers about the whole test channel.

`evaluation.json`, `predictions.jsonl`, `confusion_matrix.csv`, two pictures, and
`worst_mistakes.html`, one page with its images inside.
"""

import base64
import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure

from training.evaluation.answers import Answers, Mistake
from training.evaluation.inputs import Models, Serving
from training.evaluation.metrics import (
    BINS,
    calibration_metrics,
    classification_metrics,
    compare,
    confusion_matrix,
)
from training.evaluation.predictor import Outcomes, all_classes

_MOST_WITH_NUMBERS = 30
# More would lie upon each other.
_MOST_WITH_NAMES = 200


def draw_confusion_matrix(matrix: np.ndarray, labels: Sequence[str], file: Path) -> None:
    """Writes a PNG, the same bytes for the same matrix, int64 [true class, predicted class]."""
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


def draw_reliability_diagram(bins: Mapping[str, Sequence[Mapping[str, Any]]], file: Path) -> None:
    """Accuracy by predicted probability, and how many records, by model and its bins of
    `evaluation.json`; the same bytes for the same bins.

    https://arxiv.org/abs/1706.04599, figure 1
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


def render_worst_mistakes(
    mistakes: Sequence[Mistake], names: Sequence[str], wrong: int, records: int
) -> str:
    """The page; names from data, class labels by their encoding, stay text. So many of the records
    are `wrong`.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["data_uri"] = _data_uri
    template = environment.get_template("worst_mistakes.html.j2")
    return template.render(mistakes=mistakes, names=names, wrong=wrong, records=records)


def _data_uri(image: np.ndarray) -> str:
    png = tf.io.encode_png(image).numpy()
    return f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"


def evaluation(answers: Answers, models: Models, image_size: int) -> dict[str, Any]:
    """The content of `evaluation.json`, of records with images of this side."""
    labels, names = answers.labels, models.candidate.labels
    serving, comparison = None, compare(labels, answers.candidate.right(labels), None, names)
    if models.serving is not None and answers.serving is not None:
        serving = _serving(answers.serving, labels, models.serving, names, image_size)
        right, served = answers.candidate.right(labels), answers.serving.right(labels)
        comparison = compare(labels, right, served, names)
    return {
        **_metrics(answers.candidate, labels, names),
        "serving": serving,
        "comparison": comparison,
    }


def prediction_lines(answers: Answers, names: Sequence[str]) -> Iterator[str]:
    """The lines of `predictions.jsonl`, in the order of keys, with the names of `all_classes`."""
    for place, key in enumerate(answers.keys):
        row = {"key": key, "label": names[answers.labels[place]]}
        row |= _prediction(answers.candidate, place, names)
        if answers.serving is not None:
            row["serving"] = _prediction(answers.serving, place, names)
        yield json.dumps(row, ensure_ascii=False) + "\n"


def confusion_table(answers: Answers, names: Sequence[str]) -> str:
    """The content of `confusion_matrix.csv`: all that is not 0 of the confusion matrices over
    `all_classes`.
    """
    serving = answers.serving
    counts = [
        confusion_matrix(answers.labels, outcomes.predicted, len(names))
        for outcomes in (answers.candidate, serving)
        if outcomes is not None
    ]
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["label", "predicted", "records", *(["serving_records"] if serving else [])])
    for label, predicted in np.argwhere(np.sum(counts, axis=0)):
        numbers = [int(count[label, predicted]) for count in counts]
        writer.writerow([names[label], names[predicted], *numbers])
    return table.getvalue()


def _prediction(outcomes: Outcomes, place: int, names: Sequence[str]) -> dict[str, Any]:
    return {
        "predicted": names[outcomes.predicted[place]],
        "probability": float(outcomes.probability[place]),
    }


def _metrics(outcomes: Outcomes, labels: np.ndarray, names: Sequence[str]) -> dict[str, Any]:
    matrix = confusion_matrix(labels, outcomes.predicted, len(names))
    return {
        **classification_metrics(matrix, names),
        "calibration": calibration_metrics(
            outcomes.probability, outcomes.right(labels), outcomes.truth, outcomes.brier
        ),
    }


def _serving(
    outcomes: Outcomes,
    labels: np.ndarray,
    serving: Serving,
    candidate: Sequence[str],
    image_size: int,
) -> dict[str, Any]:
    """Its confusion matrix has the classes of both models: those of the records, then its own."""
    model = serving.model
    return {
        "endpoint": serving.endpoint,
        "model_package_arn": serving.model_package_arn,
        "resized_from": None if model.image_size == image_size else image_size,
        "unknown_classes": [name for name in candidate if name not in model.labels],
        **_metrics(outcomes, labels, all_classes(candidate, model.labels)),
    }
