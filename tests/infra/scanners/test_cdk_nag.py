"""A synthesis passes by its rules and what explains exceptions from them, and by no more."""

import json
from collections.abc import Mapping
from subprocess import CompletedProcess
from typing import Any, NamedTuple

import pytest

from tests.infra.conftest import new_cache

# Exceptions are written down instead of counting.
WITHOUT_EXCEPTIONS = """
import aws_cdk as cdk
import infra.suppressions.tables

infra.suppressions.tables.OWN_RULES = ()
of = cdk.Validations.of
class Noted:
    def __init__(self, construct):
        self.path = construct.node.path
    def acknowledge(self, exception):
        with open({noted!r}, "a") as file:
            print(self.path, exception.id, exception.reason, sep="\\t", file=file)
cdk.Validations.of = lambda it: of(it) if isinstance(it, cdk.App) else Noted(it)
"""


class Refused(NamedTuple):
    """What a synthesis of all environments without exceptions came to.

    Attributes:
        broken: violations by plugin.
        explained: (construct path, rule, reason) of all exceptions of cdk-nag.
    """

    done: CompletedProcess[str]
    broken: Mapping[str, list[dict[str, Any]]]
    explained: list[list[str]]
    is_kept: bool


@pytest.fixture(scope="module")
def refused(run, tmp_path_factory) -> Refused:
    folder = tmp_path_factory.mktemp("refused")
    kept, noted = new_cache(folder / "kept"), folder / "noted"
    before = WITHOUT_EXCEPTIONS.format(noted=str(noted))
    done = run(folder / "cdk.out", environment={"SHARDWISE_CACHE": str(kept)}, before=before)
    report = json.loads((folder / "cdk.out" / "validation-report.json").read_text())
    return Refused(
        done,
        {plugin["pluginName"]: plugin["violations"] for plugin in report["pluginReports"]},
        [line.split("\t") for line in noted.read_text().splitlines()],
        (kept / "validated").exists(),
    )


def test_a_synthesis_fails_on_what_is_not_explained(refused):
    """So each synthesis that succeeds, as those of all other tests, is clean by cdk-nag and our own
    rules.
    """
    assert refused.done.returncode != 0
    assert "shardwise: what was synthesised breaks the rules" in refused.done.stderr
    assert "Traceback" not in refused.done.stderr
    assert set(refused.broken) == {"AwsSolutions", "infra/rules"}


def test_what_was_refused_once_is_validated_again(refused):
    assert not refused.is_kept


def test_our_own_rules_say_a_sentence_a_finding(refused):
    said = [violation["description"] for violation in refused.broken["infra/rules"]]
    assert [line for line in said if line.startswith("CreateManifests (NetworkConfig.Enable")]
    assert all(line.endswith(".") and " breaks the rule " in line for line in said)


def test_every_explanation_is_of_something_that_cdk_nag_finds(refused):
    found = {
        (construct["constructPath"], violation["ruleName"])
        for violation in refused.broken["AwsSolutions"]
        for construct in violation["violatingConstructs"]
    }
    assert refused.explained
    idle = [
        f"{path}: {rule}"
        for path, rule, _ in refused.explained
        if not any(p.startswith(path) and r == rule for p, r in found)
    ]
    assert not idle, "\n".join(idle)


def test_every_explanation_is_a_sentence(refused):
    assert all(len(reason.split()) > 4 for _, _, reason in refused.explained)
    assert all(reason.endswith(".") for _, _, reason in refused.explained)
