"""A setting that only one of two trees knows, given with `-c`: trees of a few lines."""

import json
import subprocess
from pathlib import Path

import pytest

from infra.settings import SettingsError, load
from scripts.console import CommandError
from scripts.reviews.comparison import Side
from scripts.reviews.policy import Policy
from scripts.reviews.review import review
from scripts.reviews.sources import compare
from scripts.reviews.synthesis import UNKNOWN_SETTING

# An app that takes settings by `-c` or from its file, refuses others as ours does, and writes one
# stack with what it was given.
APP = """
import json, os, pathlib, sys, tomllib

context = json.loads(os.environ["CDK_CONTEXT_JSON"])
given = {{key: value for key, value in context.items() if "." in key}}
for key in given:
    if key not in {by_name}:
        sys.exit(f"shardwise: -c {{key}} sets nothing: did you mean -c training_hosts?")
file = pathlib.Path("infra/environments/dev.toml")
for section, table in tomllib.loads(file.read_text()).items():
    for field, value in table.items():
        key = f"{{section}}.{{field}}"
        if key not in {settings}:
            sys.exit(f"shardwise: {{file}}: {{key}} is no setting: take it out.")
        given.setdefault(key, str(value))
out = pathlib.Path(os.environ["CDK_OUTDIR"])
out.mkdir()
name = json.dumps(given, sort_keys=True)
queue = {{"Type": "AWS::SQS::Queue", "Properties": {{"QueueName": name}}}}
out.joinpath("template.json").write_text(json.dumps({{"Resources": {{"Queue": queue}}}}))
properties = {{"stackName": "shardwise-dev-data", "templateFile": "template.json"}}
stack = {{"type": "aws:cloudformation:stack", "properties": properties}}
out.joinpath("manifest.json").write_text(json.dumps({{"artifacts": {{"stack": stack}}}}))
"""
OLD = ["training.hosts", "endpoint.mode", "evaluation.accuracy_threshold"]
NEW = [*OLD, "training.epochs"]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A commit with OLD settings, in files alone; a working tree that takes NEW ones by name."""
    folder = tmp_path / "repository"
    environments = folder / "infra" / "environments"
    environments.mkdir(parents=True)
    (environments / "dev.toml").write_text("[evaluation]\naccuracy_threshold = 0.5  # half\n")
    (folder / "app.py").write_text(APP.format(by_name=[], settings=OLD))
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
    (folder / "app.py").write_text(APP.format(by_name=NEW, settings=NEW))
    return folder


def given(side: Side) -> dict[str, str]:
    """What a tree was synthesised with."""
    properties = side.stacks.template("data")["Resources"]["Queue"]["Properties"]
    return dict(sorted(json.loads(properties["QueueName"]).items()))


@pytest.mark.parametrize("times", [1, 2], ids=["synthesised", "from what was kept"])
def test_what_only_the_working_tree_has_is_left_out_of_the_base_and_the_page_says_so(
    repository: Path, times: int
) -> None:
    context = {"training.hosts": "4", "training.epochs": "9"}
    for _ in range(times):
        comparison = compare(repository, "dev", "main", context)
    label = comparison.before.stacks.label
    (section, *_) = review(comparison, Policy("review.toml")).sections
    assert [entry.text for entry in section.entries] == [
        f"{label} has no setting training.epochs: it was synthesised without it"
    ]
    file = {"evaluation.accuracy_threshold": "0.5"}
    assert given(comparison.before) == {**file, "training.hosts": "4"}
    assert given(comparison.after) == {**file, "training.epochs": "9", "training.hosts": "4"}


def test_what_the_base_has_in_its_files_alone_is_set_there(repository: Path) -> None:
    context = {
        "training.hosts": "4",
        "endpoint.mode": "serverless",
        "evaluation.accuracy_threshold": "0.75",
    }
    comparison = compare(repository, "dev", "main", context)
    made = review(comparison, Policy("review.toml"))
    assert (made.heading, made.sections) == ("dev: nothing changes", ())
    assert given(comparison.before) == dict(sorted(context.items()))


def test_what_the_working_tree_does_not_know_is_refused_and_the_error_names_it(
    repository: Path,
) -> None:
    with pytest.raises(CommandError) as refused:
        compare(repository, "dev", "main", {"training.host": "4"})
    assert str(refused.value).startswith("dev of the working tree (")
    assert "can't be synthesised: -c training.host sets nothing: did you mean" in str(refused.value)


@pytest.mark.parametrize(
    ("content", "context"),
    [("", {"training.hostz": "4"}), ("[training]\nhostz = 4\n", {})],
    ids=["on the command line", "in a file"],
)
def test_a_setting_is_refused_in_the_words_that_a_review_looks_for(
    tmp_path: Path, content: str, context: dict[str, str]
) -> None:
    (tmp_path / "dev.toml").write_text(content)
    with pytest.raises(SettingsError) as refused:
        load("dev", context, tmp_path)
    match = UNKNOWN_SETTING.match(str(refused.value))
    assert match is not None
    assert (match[1] or match[2]) == "training.hostz"
