"""`./scripts/drift` on what the deployed function counts."""

import json

from tests.infra.drift.conftest import MINIMUM
from tests.rehearsal.conftest import eventually


def test_it_shows_what_it_has_just_compared_class_by_class(deployed, served):
    deployed.answers(served, {"cat": 60, "dog": 100, "bird": 40})
    ended = deployed.runs("--now")
    assert ended.returncode == 0, ended.stderr
    lines = ended.stdout.splitlines()
    assert f"Model package {served}" in lines
    assert any(line.startswith("200 captured predictions since ") for line in lines)
    rows = {line.split()[1]: line.split()[3::2] for line in lines if line.startswith("│")}
    assert rows == {
        "bird": ["0", "40", "0.0%", "20.0%", "+20.0%"],
        "cat": ["500", "60", "50.0%", "30.0%", "-20.0%"],
        "cow": ["200", "0", "20.0%", "0.0%", "-20.0%"],
        "dog": ["300", "100", "30.0%", "50.0%", "+20.0%"],
    }
    assert "Distance 0.400, of which chance explains 0.169: drift 0.231 is past the" in ended.stdout


def test_it_names_the_run_that_drift_has_asked_for(deployed, served):
    deployed.compares()
    assert "has asked for no run" in deployed.runs().stdout
    deployed.answers(served, {"cow": 1000})
    deployed.compares()
    deployed.is_alarmed()
    (execution,) = eventually(lambda: deployed.executions(served))
    eventually(lambda: deployed.state(served) == "Failed")
    asked_as = f"drift/{served.partition(':model-package/')[2]}"
    said = deployed.runs().stdout
    assert f"has asked for a run as {asked_as}: Failed, execution {execution}" in said


def test_few_predictions_are_shown_and_not_judged(deployed, served):
    deployed.answers(served, {"cow": 3})
    deployed.compares()
    said = deployed.runs().stdout
    assert f"Fewer than {MINIMUM} predictions: the shares are not compared" in said


def test_it_gives_the_comparison_as_it_is_kept(deployed, served):
    found = deployed.compares()
    assert json.loads(deployed.runs("--json").stdout) == found


def test_nothing_to_compare_is_one_sentence(deployed):
    deployed.serves("")
    ended = deployed.runs("--now")
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1].startswith("There was nothing to compare: ")
