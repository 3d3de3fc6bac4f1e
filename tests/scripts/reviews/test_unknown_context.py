"""A setting that only one of two trees knows, given with `-c`: trees of a few lines."""

import subprocess
from pathlib import Path

import pytest

from infra.settings import SettingsError, load
from scripts.console import CommandError
from scripts.reviews.policy import Policy
from scripts.reviews.review import review
from scripts.reviews.sources import compare
from scripts.reviews.synthesis import UNKNOWN_CONTEXT

# An app that refuses keys as ours does, and writes one stack with what it was given.
APP = """
import json, os, pathlib, sys

context = json.loads(os.environ["CDK_CONTEXT_JSON"])
given = {{key: context[key] for key in context if key.startswith("training.")}}
for key in given:
    if key not in {known}:
        sys.exit(f"shardwise: -c {{key}} sets nothing: did you mean -c training.hosts?")
out = pathlib.Path(os.environ["CDK_OUTDIR"])
out.mkdir()
queue = {{"Type": "AWS::SQS::Queue", "Properties": {{"QueueName": json.dumps(given)}}}}
out.joinpath("template.json").write_text(json.dumps({{"Resources": {{"Queue": queue}}}}))
properties = {{"stackName": "shardwise-dev-data", "templateFile": "template.json"}}
stack = {{"type": "aws:cloudformation:stack", "properties": properties}}
out.joinpath("manifest.json").write_text(json.dumps({{"artifacts": {{"stack": stack}}}}))
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A commit that knows training.hosts, and a working tree that knows training.epochs too."""
    folder = tmp_path / "repository"
    folder.mkdir()
    (folder / "app.py").write_text(APP.format(known=["training.hosts"]))
    (folder / "cdk.json").write_text("{}")
    (folder / "requirements.txt").write_text("")
    (folder / ".gitignore").write_text(".rehearsal\n")
    author = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    for words in (
        ["init", "--quiet", "--initial-branch", "main"],
        ["add", "--all"],
        ["commit", "--quiet", "--message", "first"],
    ):
        subprocess.run(["git", *author, *words], cwd=folder, check=True)
    (folder / "app.py").write_text(APP.format(known=["training.hosts", "training.epochs"]))
    return folder


@pytest.mark.parametrize("times", [1, 2], ids=["synthesised", "from what was kept"])
def test_what_only_the_working_tree_knows_is_left_out_of_the_base_and_the_page_says_so(
    repository: Path, times: int
) -> None:
    context = {"training.hosts": "4", "training.epochs": "9"}
    for _ in range(times):
        comparison = compare(repository, "dev", "main", context)
    label = comparison.before.stacks.label
    (section, *_) = review(comparison, Policy("review.toml")).sections
    assert [entry.text for entry in section.entries] == [
        f"{label} knows no setting training.epochs: it was synthesised without it"
    ]
    names = [side.stacks.template("data")["Resources"]["Queue"]["Properties"]["QueueName"]
             for side in (comparison.before, comparison.after)]  # fmt: skip
    assert names == ['{"training.hosts": "4"}', '{"training.hosts": "4", "training.epochs": "9"}']


def test_what_both_know_is_given_to_both_and_nothing_is_said(repository: Path) -> None:
    comparison = compare(repository, "dev", "main", {"training.hosts": "4"})
    made = review(comparison, Policy("review.toml"))
    assert (made.heading, made.sections) == ("dev: nothing changes", ())


def test_what_the_working_tree_does_not_know_is_refused_and_the_error_names_it(
    repository: Path,
) -> None:
    with pytest.raises(CommandError) as refused:
        compare(repository, "dev", "main", {"training.host": "4"})
    assert str(refused.value).startswith("dev of the working tree (")
    assert "can't be synthesised: -c training.host sets nothing: did you mean" in str(refused.value)


def test_a_key_is_refused_in_the_words_that_a_review_looks_for() -> None:
    with pytest.raises(SettingsError) as refused:
        load("dev", {"training.hostz": "2"})
    found = UNKNOWN_CONTEXT.match(str(refused.value))
    assert found is not None
    assert found[1] == "training.hostz"
