"""The report's page, from evidence made up for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

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


def _answer(served: str = "cat", probability: float = 0.9) -> Answer:
    return Answer("d/cat/<1>.jpg", b"\xff\xd8\xff", "cat", served, probability, "cat", 0.9)


def _evidence(*given: Answer) -> Evidence:
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
                for epoch in range(2)
            ],
        },
        evaluation={"multiclass_classification_metrics": {"accuracy": {"value": 0.75}}},
        confusion_matrix=PNG,
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
