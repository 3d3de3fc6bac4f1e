"""`evaluation.json` and `predictions.jsonl`, from the answers about the whole test channel."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from training.evaluation.answers import Answers
from training.evaluation.calibration import calibration_metrics
from training.evaluation.comparison import compare
from training.evaluation.inputs import Models, Serving
from training.evaluation.metrics import classification_metrics, confusion_matrix
from training.evaluation.outcomes import Outcomes, all_classes


def evaluation(answers: Answers, models: Models, image_size: int) -> dict[str, Any]:
    """The content of `evaluation.json`.

    Args:
        image_size: side of the records' images.
    """
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
    """The lines of `predictions.jsonl`, in the order of keys.

    Args:
        names: labels of all classes, see `all_classes`.
    """
    for place, key in enumerate(answers.keys):
        row = {"key": key, "label": names[answers.labels[place]]}
        row |= _prediction(answers.candidate, place, names)
        if answers.serving is not None:
            row["serving"] = _prediction(answers.serving, place, names)
        yield json.dumps(row, ensure_ascii=False) + "\n"


def confusion_table(answers: Answers, names: Sequence[str]) -> str:
    """The content of `confusion_matrix.csv`: all that is not 0 of the confusion matrices.

    Args:
        names: labels of all classes, see `all_classes`.
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
