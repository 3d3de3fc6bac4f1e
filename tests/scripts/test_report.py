"""The report's page, from evidence made up for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from scripts.report import answers
from scripts.report.evidence import Answer, Evidence, Step
from scripts.report.page import render

BEGAN = datetime(2026, 11, 23, 12, tzinfo=UTC)
PNG = b"\x89PNG and more"
DATASET = {
    "objects": 2,
    "contents": 1,
    "counts": {"cat": {"train": 1, "validation": 0, "test": 1}},
    "sizes": {"cat": {"minimum": 5, "mean": 6, "maximum": 7}},
    "class_shares": {"cat": {"earlier": 0.25, "now": 1.0}},
    "included_drops": [{"id": "<first>", "objects": 2, "bytes": 12, "started_this_run": True}],
    "incomplete_drops": ["half"],
    "duplicates": {"contents": 1, "objects": 2, "examples": []},
    "earlier_execution_ids": ["e0"],
    "changes": {"objects_added": 2, "objects_removed": 3, "objects_changed": 4},
    "warnings": ["Class <cat> drifts."],
}

METRICS = {
    "multiclass_classification_metrics": {"accuracy": {"value": 0.75}},
    "by_class": {"<cat>": {"records": 4, "precision": 0.8, "recall": 0.625, "f1": 0.702}},
    "calibration": {
        "expected_calibration_error": 0.0123,
        "negative_log_likelihood": 0.4567,
        "brier_score": 0.089,
    },
}
NONE_SERVES = {"accuracy_loss": 0.0, "recall_loss_by_class": {}, "right": None}
EVALUATION: dict[str, Any] = METRICS | {"serving": None, "comparison": NONE_SERVES}
COMPARED: dict[str, Any] = METRICS | {
    "serving": METRICS
    | {
        "model_package_arn": "arn:package/7",
        "unknown_classes": ["<cat>"],
        "resized_from": 32,
        "by_class": {"<cat>": {"recall": 0.875}},
    },
    "comparison": {
        "accuracy_loss": 0.025,
        "recall_loss_by_class": {"<cat>": 0.25},
        "right": {"both": 11, "only_evaluated": 12, "only_serving": 13, "neither": 14},
    },
}


def _answer(served: str = "cat", probability: float = 0.9) -> Answer:
    return Answer("d/cat/<1>.jpg", b"\xff\xd8\xff", "cat", served, probability, "cat", 0.9)


def _evidence(
    *given: Answer,
    evaluation: dict[str, Any] | None = None,
    speed: dict[str, float] | None = None,
) -> Evidence:
    return Evidence(
        environment="dev",
        execution_arn="arn:aws:sagemaker:us-east-1:0:pipeline/p/execution/e",
        drop_id="<first>",
        model_package_arn="arn:aws:sagemaker:us-east-1:0:model-package/g/1",
        steps=[Step("TrainModel", "Succeeded", BEGAN, BEGAN + timedelta(seconds=3))],
        dataset=DATASET,
        shards=[
            {
                "host": "algo-1",
                "channels": {
                    name: {"records": 1, "bytes": 90} for name in ("train", "validation", "test")
                },
                "quarantined": 2,
                "reasons": {"is empty": 2},
                "seconds": 0.5,
            }
        ],
        training={
            "hosts": ["algo-1"],
            "workers": 1,
            "weights": {"0": "f" * 64},
            "records": {"0": [1, 1]},
            "history": [
                {
                    "epoch": epoch,
                    "loss": 1.0,
                    "accuracy": 0.5,
                    "validation_loss": 1.0,
                    "validation_accuracy": 0.5,
                }
                | (speed or {})
                for epoch in range(2)
            ],
        },
        evaluation=EVALUATION if evaluation is None else evaluation,
        confusion_matrix=PNG,
        reliability=PNG,
        worst_mistakes='<p>none: "all" right</p>',
        answers=list(given),
    )


def test_the_page_tells_accuracy_classes_quarantine_and_steps():
    page = render(_evidence(_answer()))
    for text in (
        "75.00&nbsp;%",
        "TrainModel",
        "algo-1",
        "is empty: 2",
        "<svg",
        "data:image/png;base64",
    ):
        assert text in page


def test_the_page_tells_what_the_dataset_is_and_what_has_changed():
    page = render(_evidence(_answer()))
    for text in ("25.0&nbsp;%", "2 objects more, 3 fewer, 4 changed", "Without a marker yet: half"):
        assert text in page
    assert "Class &lt;cat&gt; drifts." in page


def test_the_page_tells_classes_calibration_and_the_worst_mistakes():
    page = render(_evidence(_answer()))
    for text in ("0.800", "0.625", "0.702", "0.0123", "0.4567", "0.0890", "None served."):
        assert text in page
    assert 'srcdoc="&lt;p&gt;none: &#34;all&#34; right&lt;/p&gt;"' in page


def test_the_page_compares_with_the_model_that_served():
    page = render(_evidence(_answer(), evaluation=COMPARED))
    for text in (
        "arn:package/7",
        "lost 2.50 percentage points",
        "Both are right about 11 records, only the new model about 12",
        "only the serving one about 13, neither about 14",
        "<td>0.875</td><td>0.250</td>",
        "It does not know &lt;cat&gt;",
        "resized from 32 pixels",
    ):
        assert text in page
    assert "None served." not in page


def test_the_page_tells_where_the_time_went_if_the_training_did():
    speed = {
        "input_share": 0.015,
        "compute_share": 0.905,
        "communication_share": 0.08,
        "images_per_second_per_worker": 321.0,
    }
    page = render(_evidence(_answer(), speed=speed))
    assert "90.5&nbsp;% was computing, 1.5&nbsp;% waiting for input and 8.0&nbsp;%" in page
    assert "321 images a second and worker" in page
    assert "was computing" not in render(_evidence(_answer()))


def test_names_from_data_cannot_become_markup():
    page = render(_evidence(_answer()))
    assert "<first>" not in page
    assert "&lt;first&gt;" in page


def test_the_same_evidence_gives_the_same_bytes():
    assert render(_evidence(_answer())) == render(_evidence(_answer()))


def test_a_wrong_answer_is_marked():
    assert 'class="wrong"' in render(_evidence(_answer(served="dog")))
    assert 'class="wrong"' not in render(_evidence(_answer()))


def test_the_endpoint_disagrees_where_label_or_probability_differs():
    same, label, probability = _answer(), _answer("dog"), _answer("cat", 0.89)
    assert answers.disagreements([same]) == []
    assert len(answers.disagreements([same, label, probability])) == 2


def test_the_chosen_predictions_spread_over_the_classes():
    predictions = [{"label": str(n % 3), "key": f"{n:02}"} for n in range(30)]
    chosen = answers.choose(predictions, 3)
    assert [row["label"] for row in chosen] == ["0", "1", "2"]
    assert answers.choose(predictions, 100) == answers.choose(predictions, 30)
