"""EvaluateModel: the model's answers on the test channel, as metrics, a picture and predictions.

A processing job: https://docs.aws.amazon.com/sagemaker/latest/dg/build-your-own-processing-container.html
"""

from __future__ import annotations

import json
import logging
import sys
import tarfile
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from training.confusion_matrix import draw
from training.data import batches, find_share
from training.errors import UserError, explain_failure
from training.folders import OPT_ML
from training.metrics import classification_metrics

BATCH_SIZE = 64

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Predictions:
    """One entry a record of the test channel.

    :param keys: manifest entries.
    :param labels: int64 [n], encoded.
    :param probabilities: float32 [n, classes].
    """

    keys: list[str]
    labels: np.ndarray
    probabilities: np.ndarray

    @property
    def predicted(self) -> np.ndarray:
        """int64 [n], encoded."""
        classes: np.ndarray = np.argmax(self.probabilities, axis=1)
        return classes


def evaluate_model(root: Path) -> None:
    """Reads `processing/input/{model,test}`, writes `processing/output/evaluation`.

    :raises UserError: the model's archive or the test channel can't be used.
    """
    model_folder = root / "processing" / "model"
    unpack(root / "processing" / "input" / "model" / "model.tar.gz", model_folder)
    labels, image_size = read_description(model_folder / "model.json")
    predictions = predict(
        model_folder / "saved_model", root / "processing" / "input" / "test", image_size
    )
    if predictions.labels.max() >= len(labels):
        raise UserError(
            f"The test channel has the encoded label {predictions.labels.max()}, and the model "
            f"knows {len(labels)} classes: both must come from one execution."
        )
    matrix = count(predictions, len(labels))
    metrics = classification_metrics(matrix, labels)
    write(root / "processing" / "output" / "evaluation", predictions, matrix, metrics, labels)
    logger.info("accuracy=%.5f on %d records", _accuracy(metrics), len(predictions.keys))


def unpack(archive: Path, folder: Path) -> None:
    """:raises UserError: it is no archive, or not there."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with tarfile.open(archive) as content:
            content.extractall(folder, filter="data")
    except (OSError, tarfile.TarError) as error:
        raise UserError(f"The model's archive {archive} cannot be unpacked: {error}.") from error


def read_description(file: Path) -> tuple[list[str], int]:
    """Class labels in the order of their encoding, and the side of an image in pixels.

    :raises UserError: the model's archive lacks it.
    """
    try:
        description = json.loads(file.read_text(encoding="utf-8"))
        return description["labels"], description["image_size"]
    except (OSError, ValueError, KeyError) as error:
        raise UserError(
            f"The model's archive has no usable {file.name} ({error!r}): was it made by TrainModel?"
        ) from error


def predict(saved_model: Path, test: Path, image_size: int) -> Predictions:
    """Asks the SavedModel's `serving_default`, as the endpoint does."""
    signature = tf.saved_model.load(str(saved_model)).signatures["serving_default"]
    share = find_share(test, "test", image_size, rank=0, size=1)
    keys: list[str] = []
    labels, probabilities = [], []
    for images, truth, weights, names in batches(share, BATCH_SIZE):
        real = weights > 0
        keys += [name.decode() for name in names[real].numpy()]
        labels.append(truth[real].numpy())
        probabilities.append(signature(images=images[real])["probabilities"].numpy())
    return Predictions(keys, np.concatenate(labels), np.concatenate(probabilities))


def count(predictions: Predictions, classes: int) -> np.ndarray:
    """Confusion matrix, int64 [true class, predicted class]."""
    matrix = np.zeros((classes, classes), np.int64)
    np.add.at(matrix, (predictions.labels, predictions.predicted), 1)
    return matrix


def write(
    folder: Path,
    predictions: Predictions,
    matrix: np.ndarray,
    metrics: dict[str, Any],
    labels: list[str],
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "evaluation.json").write_text(
        json.dumps(metrics, ensure_ascii=False, indent=1), "utf-8"
    )
    draw(matrix, labels, folder / "confusion_matrix.png")
    rows = zip(
        predictions.keys,
        predictions.labels,
        predictions.predicted,
        predictions.probabilities.max(axis=1),
        strict=True,
    )
    lines = [
        json.dumps(
            {
                "key": key,
                "label": labels[truth],
                "predicted": labels[answer],
                "probability": float(probability),
            },
            ensure_ascii=False,
        )
        for key, truth, answer, probability in sorted(rows, key=lambda row: row[0])
    ]
    (folder / "predictions.jsonl").write_text("".join(f"{line}\n" for line in lines), "utf-8")


def _accuracy(metrics: dict[str, Any]) -> float:
    return float(metrics["multiclass_classification_metrics"]["accuracy"]["value"])


def main(root: Path = OPT_ML) -> int:
    """Gives the exit code; what went wrong stands in `output/message`, SageMaker's ExitMessage."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s", stream=sys.stdout)
    try:
        evaluate_model(root)
    except UserError as error:
        logger.error("%s", error)
        explain_failure(root / "output" / "message", str(error))
        return 1
    except Exception as error:
        logger.exception("The step stopped on an unexpected error.")
        last = traceback.format_exception_only(error)[-1].strip()
        explain_failure(root / "output" / "message", f"{last} (the log has the traceback)")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
