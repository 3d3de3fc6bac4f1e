"""The same plan as Markdown, lines, JSON and a chart."""

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from scripts.document import markdown, print_document
from scripts.planning.answer import as_json, write_chart
from scripts.planning.document import document
from scripts.planning.plan import Plan

GOLDEN = Path(__file__).parent / "recorded" / "plan.md"
MONTH = 123.45


@pytest.fixture(scope="module")
def plan(question):
    return Plan(question(deadline=3600 * 6))


def test_the_markdown_is_as_it_was(plan):
    assert markdown(document(plan, MONTH)) == GOLDEN.read_text("utf-8")


def test_a_pipe_gets_whole_words_however_wide_the_lines_are(plan):
    written = io.StringIO()
    console = Console(file=written, width=40, markup=False, highlight=False, soft_wrap=True)
    print_document(document(plan, MONTH), console)
    lines = written.getvalue().splitlines()
    assert any(line.startswith("TrainModel") and "ml.c5.2xlarge" in line for line in lines)
    assert "…" not in written.getvalue()


def test_the_json_has_the_numbers_that_the_words_tell(plan):
    answer = json.loads(as_json(plan, MONTH))
    assert answer["as_set"]["usd"] == pytest.approx(plan.current.usd, abs=1e-6)
    assert [table["knee"] for table in answer["train_model"]] == [
        table.knee.cost.count for table in plan.training
    ]
    chosen = answer["choices"]["cheapest_in_time"]
    assert chosen["seconds"] <= answer["deadline_seconds"]
    assert chosen["limits"]


def test_the_chart_is_the_same_bytes_each_time_and_names_the_types(plan, tmp_path):
    for name in ("one.svg", "two.svg"):
        write_chart(plan, tmp_path / name)
    first, second = ((tmp_path / name).read_bytes() for name in ("one.svg", "two.svg"))
    assert first == second
    assert b"<svg" in first
