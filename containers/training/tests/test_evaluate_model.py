"""EvaluateModel as a processing job: launchers, workers, outputs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from evaluations import (
    ARN,
    Evaluation,
    by_brightness,
    record,
    write_archive,
    write_test_channel,
)
from jobs import SIZE, write_files

FILES = {
    "evaluation.json",
    "confusion_matrix.csv",
    "confusion_matrix.png",
    "reliability.png",
    "predictions.jsonl",
    "worst_mistakes.html",
}
LEVELS = (60, 125, 190)


def serve(inputs: Path, arn: str | None = ARN) -> Path:
    """Gives where the archive of the serving model goes."""
    folder = inputs / "serving"
    folder.mkdir()
    described = {"schema": 1, "endpoint": "shardwise-dev", "model_package_arn": arn}
    (folder / "serving.json").write_text(json.dumps(described))
    return folder / "model.tar.gz"


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """A model, and one that serves, which knows other classes and takes larger images."""
    folder = tmp_path_factory.mktemp("job") / "processing" / "input"
    write_archive(folder / "model" / "model.tar.gz", by_brightness(LEVELS))
    write_test_channel(folder / "test", [150, 0, 7, 80])
    write_archive(serve(folder), by_brightness((185, 250, 55), 12), ("light", "white", "dark"), 12)
    return folder


@pytest.fixture(scope="module")
def alone(inputs, tmp_path_factory):
    # As in isolation from the network, where a job's own name may never have an address.
    evaluation = Evaluation(tmp_path_factory.mktemp("alone"), inputs, names_after="never")
    assert evaluation.run() == 0, evaluation.log
    return evaluation


@pytest.fixture
def small(inputs, tmp_path):
    """Inputs that a test may spoil: a model, five records, and nothing that serves."""
    folder = tmp_path / "processing" / "input"
    shutil.copytree(inputs / "model", folder / "model")
    write_test_channel(folder / "test", [5])
    return folder


def fails(tmp_path: Path, inputs: Path, workers: int = 1) -> str:
    """Runs the job, which has to fail with a sentence; gives it."""
    evaluation = Evaluation(tmp_path / "hosts", inputs, workers=workers)
    assert evaluation.run() == 1, evaluation.log
    assert evaluation.outputs() == {}
    message = evaluation.message()
    assert "Traceback" not in message
    assert "\n" not in message
    return message


@pytest.mark.parametrize(("hosts", "workers"), [(1, 2), (1, 3), (2, 1)])
def test_any_number_of_workers_and_hosts_writes_the_same_bytes(
    inputs, alone, tmp_path, hosts, workers
):
    evaluation = Evaluation(tmp_path, inputs, hosts, workers)

    assert evaluation.run() == 0, evaluation.log

    assert alone.outputs().keys() == FILES
    assert evaluation.outputs() == alone.outputs()
    assert all(evaluation.outputs(host) == {} for host in range(2, hosts + 1))


def test_predictions_are_in_the_order_of_keys_and_agree_with_the_metrics(alone):
    rows, metrics = alone.predictions(), alone.metrics()
    keys = [row["key"] for row in rows]
    assert len(set(keys)) == 237
    assert keys == sorted(keys)
    right = sum(row["label"] == row["predicted"] for row in rows)
    accuracy = metrics["multiclass_classification_metrics"]["accuracy"]["value"]
    assert accuracy == right / 237
    assert 0.7 < accuracy < 1
    served = sum(row["label"] == row["serving"]["predicted"] for row in rows)
    assert metrics["comparison"]["accuracy_loss"] == (served - right) / 237
    assert metrics["comparison"]["accuracy_loss"] < 0


def test_the_serving_model_is_wrong_about_classes_that_it_does_not_know(alone):
    serving = alone.metrics()["serving"]
    assert serving["model_package_arn"] == ARN
    assert serving["resized_from"] == SIZE
    assert serving["unknown_classes"] == ["grey"]
    matrix = serving["multiclass_classification_metrics"]["confusion_matrix"]
    assert list(matrix) == ["dark", "grey", "light", "white"]
    assert matrix["grey"]["grey"] == 0
    assert sum(matrix["grey"].values()) == serving["by_class"]["grey"]["records"] > 0
    assert serving["by_class"]["dark"]["recall"] > 0.9
    assert serving["by_class"]["white"]["records"] == 0


def test_the_worst_mistakes_are_shown_with_their_images_and_names_stay_text(alone):
    page = alone.outputs()["worst_mistakes.html"].decode()
    wrong = [row for row in alone.predictions() if row["label"] != row["predicted"]]
    worst = max(wrong, key=lambda row: row["probability"])
    assert page.count("data:image/png;base64,") == min(50, len(wrong)) > 0
    assert "<b> " not in page
    shown = [name.split(">")[1] for name in page.split("<code")[1:]]
    assert shown[0] == worst["key"].replace("<b>", "&lt;b&gt;").split(">")[0] + "</code"


def test_more_workers_than_records_and_nothing_that_serves(small, tmp_path):
    serve(small, arn=None)
    evaluation = Evaluation(tmp_path / "hosts", small, workers=3)

    assert evaluation.run() == 0, evaluation.log

    metrics = evaluation.metrics()
    assert metrics["serving"] is None
    assert metrics["comparison"]["accuracy_loss"] == 0.0
    assert [set(row) for row in evaluation.predictions()] == [
        {"key", "label", "predicted", "probability"}
    ] * 5


def test_without_mistakes_the_page_says_so(small, tmp_path):
    made = record(np.full([SIZE, SIZE, 3], 60, np.uint8), 0, "drop/dark/a.jpg")
    write_files(small / "test", [[(made, 0)]])
    evaluation = Evaluation(tmp_path / "hosts", small)

    assert evaluation.run() == 0, evaluation.log

    page = evaluation.outputs()["worst_mistakes.html"].decode()
    assert "There were none: all 1 records are right." in page


def test_a_probability_that_is_no_number_ends_with_one_sentence(small, tmp_path):
    write_archive(serve(small), by_brightness((float("nan"), 125, 190)))
    message = fails(tmp_path, small, workers=2)
    assert message.startswith("The serving model gives a probability that is no number for drop/")


def test_a_class_that_the_model_lacks_ends_with_one_sentence(small, tmp_path):
    made = record(np.zeros([SIZE, SIZE, 3], np.uint8), 5, "drop/x/x.jpg")
    write_files(small / "test", [[(made, 5)]])
    assert "encoded label 5, and the model knows 3" in fails(tmp_path, small)


def test_a_saved_model_that_takes_other_images_than_it_says_ends_with_one_sentence(small, tmp_path):
    write_archive(serve(small), by_brightness(LEVELS), image_size=SIZE + 1)
    assert "The SavedModel of the serving model takes images uint8" in fails(tmp_path, small)


def test_a_model_with_other_outputs_than_classes_ends_with_one_sentence(small, tmp_path):
    write_archive(serve(small), by_brightness(LEVELS), labels=["dark", "light"])
    message = fails(tmp_path, small)
    assert "probabilities of shape (64, 3), and it should be (64, 2)" in message


def test_a_test_channel_without_records_ends_with_one_sentence(small, tmp_path):
    for shard in (small / "test").iterdir():
        shard.unlink()
    assert "The channel test has no records" in fails(tmp_path, small)
