"""EvaluateModel: numbers by hand, and the whole step on a model of its own."""

import json
import tarfile

import keras
import numpy as np
import pytest
import tensorflow as tf
from jobs import SIZE, example, write_shards

from training.confusion_matrix import draw
from training.evaluate_model import main
from training.export import export
from training.metrics import classification_metrics


def test_metrics_of_a_small_matrix_are_those_worked_out_by_hand():
    matrix = np.array([[3, 1, 0], [0, 4, 0], [2, 0, 0]])
    metrics = classification_metrics(matrix, ["a", "b", "c"])
    whole = metrics["multiclass_classification_metrics"]
    assert whole["accuracy"]["value"] == pytest.approx(7 / 10)
    assert whole["weighted_recall"]["value"] == pytest.approx(7 / 10)
    assert whole["weighted_precision"]["value"] == pytest.approx((4 * 3 / 5 + 4 * 4 / 5) / 10)
    assert whole["weighted_f1"]["value"] == pytest.approx((4 * 2 / 3 + 4 * 8 / 9) / 10)
    assert whole["accuracy_best_constant_classifier"]["value"] == pytest.approx(4 / 10)
    assert metrics["by_class"]["a"] == {"records": 4, "precision": 3 / 5, "recall": 3 / 4}
    assert metrics["by_class"]["c"] == {"records": 2, "precision": 0.0, "recall": 0.0}
    assert whole["confusion_matrix"]["a"] == {"a": 3, "b": 1, "c": 0}


@pytest.fixture
def root(tmp_path):
    """A model that tells dark from light by its mean, and a test channel."""
    inputs = tmp_path / "processing" / "input"
    keys = write_shards(inputs / "test", [5, 0, 2])
    model = keras.Sequential(
        [
            keras.Input([SIZE, SIZE, 3]),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(2),
        ]
    )
    model.layers[-1].set_weights([np.array([[-1.0, 1.0]] * 3), np.array([180.0, -180.0])])
    folder = tmp_path / "made"
    folder.mkdir()
    export(model, ["dark", "light"], SIZE, folder)
    (inputs / "model").mkdir()
    with tarfile.open(inputs / "model" / "model.tar.gz", "w:gz") as archive:
        archive.add(folder, ".")
    return tmp_path, keys


def test_the_step_writes_metrics_a_picture_and_a_prediction_for_each_record(root):
    folder, keys = root

    assert main(folder) == 0

    evaluation = folder / "processing" / "output" / "evaluation"
    metrics = json.loads((evaluation / "evaluation.json").read_text())
    assert metrics["multiclass_classification_metrics"]["accuracy"]["value"] == 1.0
    assert (evaluation / "confusion_matrix.png").read_bytes().startswith(b"\x89PNG")
    lines = (evaluation / "predictions.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    assert [row["key"] for row in rows] == sorted(keys)
    assert all(row["predicted"] == row["label"] for row in rows)


def test_a_broken_archive_ends_with_one_sentence(root):
    folder, _ = root
    (folder / "processing" / "input" / "model" / "model.tar.gz").write_bytes(b"no archive")

    assert main(folder) == 1
    assert "cannot be unpacked" in (folder / "output" / "message").read_text()


def test_an_archive_without_its_description_ends_with_one_sentence(root):
    folder, _ = root
    with tarfile.open(folder / "processing" / "input" / "model" / "model.tar.gz", "w:gz"):
        pass

    assert main(folder) == 1
    assert "has no usable model.json" in (folder / "output" / "message").read_text()


def test_a_test_channel_with_a_class_the_model_lacks_ends_with_one_sentence(root):
    folder, _ = root
    shard = folder / "processing" / "input" / "test" / "test-00001-of-00003.tfrecord"
    with tf.io.TFRecordWriter(str(shard)) as writer:
        writer.write(example(5, "drop/x/x.jpg"))

    assert main(folder) == 1
    assert "encoded label 5, and the model knows 2" in (folder / "output" / "message").read_text()


def test_the_picture_is_the_same_again_and_takes_any_label(tmp_path):
    labels = ["$a$_{b}", "é 日本", *(f"class {number}" for number in range(48))]
    matrix = np.arange(2500).reshape(50, 50)
    for name in ("one.png", "other.png"):
        draw(matrix, labels, tmp_path / name)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "other.png").read_bytes()
