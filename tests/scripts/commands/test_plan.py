"""`./scripts/plan` as it is typed."""

import json
from pathlib import Path

import pytest

from infra.costs import load_prices
from scripts.commands.plan import main

WHAT = ("--objects", "50000", "--mean-size", "180KB")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--objects", "0", "--mean-size", "1KB"], "--objects: '0' is no number to plan with: giv"),
        (
            ["--mean-size", "1KB"],
            "It is not said what is planned: give --objects, a run with --from",
        ),
        (["--objects", "5M", "--mean-size", "big"], "--mean-size: 'big' is no size: write it like"),
        ([*WHAT, "--deadline", "soon"], "--deadline: 'soon' is no time: write it like 6h"),
        ([*WHAT, "--epochs", "0"], "--epochs is 0: train for at least one epoch."),
        ([*WHAT, "--region", "mars-1"], "prices.toml has no Region mars-1; the nearest is us-east"),
        (
            [*WHAT, "--save-rates", "x"],
            "--save-rates keeps the rates of a run: name it with --from",
        ),
        ([*WHAT, "--environment", "nowhere"], "There is no environment 'nowhere': use one of dev"),
    ],
)
def test_what_can_not_be_planned_is_one_sentence(words, sentence, capsys):
    assert main(words) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(sentence)
    assert said.err.count("\n") == 1


def test_what_is_expected_by_the_settings_is_planned(tmp_path, monkeypatch, capsys):
    (tmp_path / "dev.toml").write_text("[data]\nexpected_images = 1000\n")
    monkeypatch.setenv("SHARDWISE_ENVIRONMENTS", str(tmp_path))
    assert main(["--region", "mars-1"]) == 1
    assert "has no Region mars-1" in capsys.readouterr().err


def test_the_working_tree_is_planned_and_a_deadline_that_nothing_keeps_has_its_own_status(
    run_command, tmp_path: Path
):
    chart = tmp_path / "plan.svg"
    ended = run_command(
        "plan", *WHAT, "--environment", "prod", "--region", "eu-west-1", "--deadline", "1min",
        "--format", "json", "--chart", chart,
    )  # fmt: skip
    assert ended.returncode == 3, ended.stderr
    assert ended.stderr.startswith("No choice ends within 1 min 00 s: the fastest takes")
    answer = json.loads(ended.stdout)
    assert answer["region"] == "eu-west-1"
    assert answer["prices"]["date"] == str(load_prices().date)
    assert {step["step"] for step in answer["as_set"]["steps"]} > {"ShardImages", "TrainModel"}
    assert all(step["usd"] is not None for step in answer["as_set"]["steps"])
    assert answer["monthly_usd"] > 0
    assert answer["choices"]["cheapest_in_time"] is None
    assert chart.read_bytes().startswith(b"<?xml")


def test_a_run_where_nothing_is_deployed_is_one_sentence(run_command, endpoint_url):
    ended = run_command(
        "plan",
        "--from",
        "newest",
        AWS_ENDPOINT_URL=endpoint_url,
        AWS_ACCESS_KEY_ID="test",
        AWS_SECRET_ACCESS_KEY="test",
        AWS_REGION="us-east-1",
    )
    assert ended.returncode == 1
    assert "The stack shardwise-dev-training is not deployed" in ended.stderr.splitlines()[-1]
