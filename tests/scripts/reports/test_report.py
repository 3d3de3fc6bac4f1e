"""The report: its page, from evidence made up for it, and what is gathered of real executions."""

from __future__ import annotations

import io
import json
import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from PIL import Image

from functions.reporter.executions import Job, Step
from scripts.commands import report as command
from scripts.console import CommandError
from scripts.deployed import stacks
from scripts.reports.evidence import (
    Answer,
    Ended,
    Evidence,
    ask_endpoint,
    choose_predictions,
    disagreements,
)
from scripts.reports.page import render
from scripts.reports.run_report import Gathering, epoch_of, readable
from tests.rehearsal.conftest import eventually
from tests.scripts.conftest import deploy
from tests.scripts.runs import write_run

BEGAN = datetime(2026, 11, 23, 12, tzinfo=UTC)
PNG = b"\x89PNG\r\n\x1a\n and more"
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


HISTORY = [
    {
        "epoch": epoch,
        "loss": 1.0,
        "accuracy": 0.5,
        "validation_loss": 1.0,
        "validation_accuracy": 0.5,
    }
    for epoch in range(2)
]


def _evidence(
    *given: Answer,
    evaluation: dict[str, Any] | None = None,
    speed: dict[str, float] | None = None,
) -> Evidence:
    return Evidence(
        environment="dev",
        execution_arn="arn:aws:sagemaker:us-east-1:0:pipeline/p/execution/e",
        status="Succeeded",
        drop_id="<first>",
        model_package_arn="arn:aws:sagemaker:us-east-1:0:model-package/g/1",
        steps=(Step("TrainModel", "Succeeded", BEGAN, BEGAN + timedelta(seconds=3), "", 1),),
        dataset=DATASET,
        shards=[
            {
                "host": "algo-1",
                "encoding": {
                    "name": "jpeg",
                    "jpeg_quality": 95,
                    "jpeg_subsampling": "4:4:4",
                    "psnr_db": 40.34,
                    "compared_records": 3,
                },
                "channels": {
                    name: {
                        "records": 1,
                        "bytes": 90,
                        "files": 1,
                        "bytes_per_record": 90.0,
                        "deviations": {
                            "files": {"worst": 0.0, "expected": 0.0, "of_limit": 0.0},
                            "host": {"worst": 0.5, "expected": 0.1, "of_limit": 1.5},
                        },
                    }
                    for name in ("train", "validation", "test")
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
        },
        history=[entry | (speed or {}) for entry in HISTORY],
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


def test_the_page_tells_how_images_lie_in_records_and_how_they_were_dealt_out():
    evidence = _evidence(_answer())
    page = render(evidence)
    assert "algo-1: jpeg records of quality 95, 4:4:4, PSNR 40.3 dB." in page
    assert "1 file, a class's share deviates by 0.000 at most (0.000 is expected" in page
    assert page.count("classes are not dealt out by chance") == 3
    earlier = {name: part for name, part in evidence.shards[0].items() if name != "encoding"}
    assert "PSNR" not in render(replace(evidence, shards=[earlier]))


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
    assert disagreements([same]) == []
    assert len(disagreements([same, label, probability])) == 2


def test_the_chosen_predictions_spread_over_the_classes():
    predictions = [{"label": str(n % 3), "key": f"{n:02}"} for n in range(30)]
    chosen = choose_predictions(predictions, 3)
    assert [row["label"] for row in chosen] == ["0", "1", "2"]
    assert choose_predictions(predictions, 100) == choose_predictions(predictions, 30)


SECTIONS = (
    "dataset",
    "shards",
    "history",
    "evaluation",
    "worst_mistakes",
    "answers",
)


def test_a_run_of_which_nothing_is_there_has_a_sentence_in_every_section():
    missing = {name: f"No {name}, and why." for name in SECTIONS}
    page = render(Evidence("dev", "arn:e", "Failed", "first", missing=missing))
    for sentence in missing.values():
        assert f"<p>{sentence}</p>" in page
    assert "No step has begun." in page
    assert "<h1>A run that failed</h1>" in page


@pytest.mark.parametrize(
    "piece",
    ["training", "evaluation", "confusion_matrix", "reliability", "worst_mistakes", "dataset"],
)
def test_what_is_missing_takes_nothing_else_with_it(piece):
    page = render(replace(_evidence(_answer()), **{piece: None}, missing={piece: "It is lost."}))
    assert "<p>It is lost.</p>" in page
    rest = {
        "dataset": "Class &lt;cat&gt; drifts.",
        "training": "ffffffffffffffff",
        "evaluation": "0.702",
        "worst_mistakes": "srcdoc",
        "confusion_matrix": "Confusion matrix",
        "reliability": "Accuracy by predicted",
    }
    assert rest.pop(piece) not in page
    for text in rest.values():
        assert text in page


def test_why_a_run_ended_stands_first_with_the_last_lines_and_what_to_do():
    ended = Ended(["TrainModel failed: <b>."], "mend that.", {"job/algo-1": ["one", "<two>"]})
    page = render(replace(_evidence(), status="Failed", ended=ended))
    assert "<p>TrainModel failed: &lt;b&gt;.</p>" in page
    assert "What to do: mend that." in page
    assert "<pre>one\n&lt;two&gt;</pre>" in page
    assert page.index("Why it ended") < page.index("What was dropped")


@pytest.mark.parametrize("broken", [{}, {"objects": 1}, [1], "text"])
@pytest.mark.parametrize("piece", ["dataset", "training", "evaluation"])
def test_a_piece_that_is_no_such_thing_is_left_out_and_told(piece, broken):
    evidence = readable(replace(_evidence(_answer()), **{piece: broken}))
    page = render(evidence)
    if broken:
        assert "It is there and is none that this page can show" in page
    assert "is empty: 2" in page
    assert "<svg" in page


def test_a_whole_run_is_shown_whole():
    evidence = _evidence(_answer(), evaluation=COMPARED)
    assert readable(evidence) == evidence


def test_a_log_line_of_an_epoch_is_an_entry_of_the_history():
    metrics = "loss=1.5 accuracy=0.25 validation_loss=nan validation_accuracy=0.5"
    entry = epoch_of(f"12:00 epoch=3 {metrics} images_per_second=9e+02")
    assert entry is not None
    assert (entry["epoch"], entry["loss"], entry["images_per_second"]) == (3, 1.5, 900.0)
    assert math.isnan(entry["validation_loss"])
    for line in ("", "epoch=3", "epoch=3 loss=1", f"epoch=x {metrics}", f"epoch=3 {metrics} a=b"):
        assert epoch_of(line) is None


@pytest.fixture
def buckets(session, environment):
    """Those of a deployed data stack, by the names of its outputs."""
    names = ("DropsBucketName", "WorkingBucketName", "ArtifactsBucketName")
    template = {
        "Resources": {name: {"Type": "AWS::S3::Bucket"} for name in names},
        "Outputs": {name: {"Value": {"Ref": name}} for name in names},
    }
    deploy(session, f"shardwise-{environment}-data", template)
    return stacks.outputs_of(stacks.describe(session, environment, "data"))


@pytest.fixture
def rejected(session, pipeline):
    """An execution that has ended in its step RejectModel."""
    sagemaker = session.client("sagemaker")
    arn = sagemaker.start_pipeline_execution(
        PipelineName=pipeline,
        ClientRequestToken=pipeline.ljust(32, "-"),
        PipelineParameters=[{"Name": "DropId", "Value": "first"}],
    )["PipelineExecutionArn"]

    def status():
        described = sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
        return described["PipelineExecutionStatus"]

    eventually(lambda: status() == "Failed", status)
    return arn


@pytest.fixture
def report(environment, console):
    """The command; gives its exit status."""
    return lambda *given: command.main.execute(
        ["--environment", environment, *map(str, given)], console
    )


def test_a_rejected_model_has_a_report_with_the_reason_and_its_evaluation(
    session, buckets, rejected, report, tmp_path
):
    write_run(session, buckets, rejected.rpartition("/")[2], {"first/cat/1.jpg": "a"})
    folder = f"executions/{rejected.rpartition('/')[2]}/evaluation"
    for name, body in {
        "evaluation.json": json.dumps(EVALUATION).encode(),
        "confusion_matrix.png": PNG,
        "confusion_matrix.csv": b'label,predicted,records\na,a,9\na,"b,c",1\n"b,c",a,3\n',
        "worst_mistakes.html": b"<p>one</p>",
    }.items():
        bucket = buckets["WorkingBucketName"]
        session.client("s3").put_object(Bucket=bucket, Key=f"{folder}/{name}", Body=body)

    assert report("-o", tmp_path / "page.html") == 0

    page = (tmp_path / "page.html").read_text()
    assert "RejectModel failed: Not good enough." in page
    assert "a retry keeps the evaluation, and so the verdict" in page
    assert "b,c for a (3), a for b,c (1)." in " ".join(page.split())
    for text in ("75.00&nbsp;%", "Confusion matrix", "Class cat drifts.", "&lt;p&gt;one"):
        assert text in page
    assert "This run registered no model, so that none of it serves." in page
    assert "ShardImages did not run." in page


def test_a_piece_that_is_broken_is_told_and_the_rest_is_there(
    session, buckets, rejected, report, tmp_path
):
    execution_id = rejected.rpartition("/")[2]
    write_run(session, buckets, execution_id, {"first/cat/1.jpg": "a"})
    key = f"executions/{execution_id}/evaluation/evaluation.json"
    s3 = session.client("s3")
    s3.put_object(Bucket=buckets["WorkingBucketName"], Key=key, Body=b'{"half')

    assert report(execution_id, "-o", tmp_path / "page.html") == 0

    page = (tmp_path / "page.html").read_text()
    assert "What EvaluateModel wrote can&#39;t be read: " in page
    assert "Class cat drifts." in page


def test_the_report_of_a_failed_training_has_the_epochs_of_its_log(
    session, buckets, environment, rejected, monkeypatch
):
    lines = [f"epoch={n} loss=1 accuracy=0.5 validation_loss=1 validation_accuracy=1" for n in "01"]
    job = Job("Training", "job", "TrainModel", "Failed", BEGAN, "ml.m5.large", 1, 1.0)
    later = replace(job, name="later", created=BEGAN + timedelta(hours=1))
    logs = session.client("logs")
    group = f"/aws/sagemaker/{environment}Jobs"
    monkeypatch.setattr(Job, "log_group", group)
    logs.create_log_group(logGroupName=group)
    for name, said in (("job", lines), ("later", [lines[1].replace("loss=1", "loss=2", 1)])):
        logs.create_log_stream(logGroupName=group, logStreamName=f"{name}/algo-1")
        events = [
            {"timestamp": int(datetime.now(UTC).timestamp() * 1000), "message": m} for m in said
        ]
        logs.put_log_events(logGroupName=group, logStreamName=f"{name}/algo-1", logEvents=events)
    gathering = Gathering(session, environment, rejected)
    gathering._execution = replace(gathering._execution, jobs=(later, job))

    evidence = gathering.evidence()

    assert evidence.training is None
    assert [entry["loss"] for entry in evidence.history] == [1.0, 2.0]
    assert "2 epochs, as the log tells." in render(evidence)


def test_an_execution_of_another_pipeline_is_refused(buckets, pipeline, report):
    other = "arn:aws:sagemaker:us-east-1:000000000000:pipeline/other/execution/e"
    with pytest.raises(CommandError, match="is no execution of"):
        report(other)
    with pytest.raises(CommandError, match="has no execution nothing: "):
        report("nothing")
    with pytest.raises(CommandError, match="has no execution yet"):
        report()


def test_a_page_that_cannot_be_written_is_one_sentence(buckets, rejected, report, tmp_path):
    with pytest.raises(CommandError, match="No such file or directory; name another file"):
        report("-o", tmp_path / "none" / "page.html")


def test_the_endpoint_is_asked_about_each_image_as_what_it_is():
    kinds = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
    files = {kind: io.BytesIO() for kind in kinds}
    for kind, file in files.items():
        Image.new("L", (4, 4)).save(file, kind)
    asked = []

    class Runtime:
        def invoke_endpoint(self, **request):
            asked.append(request["ContentType"])
            return {"Body": io.BytesIO(b'{"label": "cat", "probability": 1.0}')}

    class Images:
        def image(self, key):
            return files[key].getvalue()

    rows = [{"key": k, "label": "cat", "predicted": "cat", "probability": 1.0} for k in kinds]
    pages = [render(_evidence(each)) for each in ask_endpoint(Runtime(), "e", Images(), rows)]
    assert asked == list(kinds.values())
    assert all(f"data:{kind};base64," in page for kind, page in zip(asked, pages, strict=True))
