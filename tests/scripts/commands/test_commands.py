"""Each command as a process of its own, in a pipe, with no AWS to talk to."""

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from scripts import REPOSITORY, commands
from scripts.cli import Command, Group
from scripts.commands.completion import names
from tests.scripts.conftest import RunCommand

WITHOUT_AN_ENVIRONMENT = {"rehearse", "local-aws", "completion"}
# Each takes seconds to import.
HEAVY = {"aws_cdk", "jsii", "matplotlib", "sagemaker", "scipy", "sklearn", "tensorflow"}


def all_commands() -> Iterator[tuple[Command, list[str]]]:
    """Every command and sub-command, with the words that lead to it."""
    for name in names():
        main = import_module(f"scripts.commands.{name.replace('-', '_')}").main
        yield main, []
        if isinstance(main, Group):
            yield from ((main, [each]) for each in sorted(main.commands))


def words(value: object) -> str:
    return " ".join(value) if isinstance(value, list) else getattr(value, "name", str(value))


@pytest.mark.parametrize(("command", "leading"), list(all_commands()), ids=words)
def test_help_has_an_example_of_what_a_person_types(
    command: Command, leading: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert command([*leading, "--help"]) == 0

    said = capsys.readouterr().out
    typed = " ".join([f"./scripts/{command.name}", *leading])
    assert said.startswith(f"Usage: {typed} ")
    assert typed in said.partition("\nexample: ")[2]
    assert ("-e, --environment" in said) == (command.name not in WITHOUT_AN_ENVIRONMENT)


def test_each_module_of_a_command_has_a_link_of_its_name() -> None:
    modules = {file.stem.replace("_", "-") for file in Path(commands.__path__[0]).glob("[a-z]*.py")}
    assert modules == set(names())


def test_no_command_imports_what_takes_long_before_it_begins() -> None:
    imports = "; ".join(f"import scripts.commands.{name.replace('-', '_')}" for name in names())
    ended = subprocess.run(
        [sys.executable, "-c", f"{imports}; import sys; print(*sys.modules)"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    assert {name.partition(".")[0] for name in ended.stdout.split()}.isdisjoint(HEAVY)


def test_an_unknown_option_is_one_sentence_and_status_2(run_command: RunCommand) -> None:
    ended = run_command("drop", "--environmnt", "dev", "photos")

    assert ended.returncode == 2
    assert ended.stderr == (
        "No such option '--environmnt'. Did you mean '--environment'? "
        "./scripts/drop --help says more.\n"
    )


def test_bash_completes_sub_commands_options_and_environments() -> None:
    typed = {
        "./scripts/lineage ob": ["object"],
        "./scripts/drop --skip": ["--skip-unusable"],
        "./scripts/settings -e st": ["staging"],
    }
    script = ['eval "$(./scripts/completion)"']
    for line in typed:
        script += [
            f"COMP_WORDS=({line})",
            "COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMPREPLY=()",
            "_shardwise ${COMP_WORDS[0]}",
            'echo "${COMPREPLY[*]}"',
        ]
    ended = subprocess.run(
        ["bash", "-c", "\n".join(script)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    assert [line.split() for line in ended.stdout.splitlines()] == list(typed.values())


def test_an_empty_folder_is_one_sentence_and_status_1(
    tmp_path: Path, run_command: RunCommand
) -> None:
    (tmp_path / "empty").mkdir()
    ended = run_command("drop", tmp_path / "empty")

    assert ended.returncode == 1
    assert ended.stderr == (
        f"{tmp_path}/empty is empty: give a folder of class folders with images.\n"
    )


def test_an_endpoint_url_where_nothing_answers_is_one_sentence(
    photos: Path, run_command: RunCommand
) -> None:
    ended = run_command(
        "drop",
        photos,
        AWS_ENDPOINT_URL="http://127.0.0.1:1",
        AWS_ACCESS_KEY_ID="x",
        AWS_SECRET_ACCESS_KEY="x",
        AWS_REGION="us-east-1",
        AWS_MAX_ATTEMPTS="1",
    )

    assert ended.returncode == 1
    assert "Nothing answers at http://127.0.0.1:1" in ended.stderr.splitlines()[-1]


def test_stacks_that_are_not_deployed_are_one_sentence(
    endpoint_url: str, photos: Path, run_command: RunCommand
) -> None:
    variables = {
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
    }
    image = next(photos.glob("*/*"))
    for command, arguments in {
        "drop": [photos],
        "watch": [],
        "report": [],
        "approve": [],
        "invoke": [image],
        "drift": [],
    }.items():
        ended = run_command(command, *arguments, "--environment", "nowhere", **variables)

        assert ended.returncode == 1
        assert ended.stderr.splitlines()[-1].endswith(
            "is not deployed: run ./scripts/cdk deploy 'nowhere/*' first."
        )


def test_the_cdk_runs_on_the_pinned_node_whatever_the_machine_has(tmp_path: Path) -> None:
    node = tmp_path / "node"
    node.write_text("#!/bin/sh\necho the machine\\'s own node ran >&2\nexit 1\n")
    node.chmod(0o755)
    variables = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    starts_jsii = "import infra, aws_cdk; aws_cdk.App()"

    cli = subprocess.run(
        ["scripts/cdk", "--version"],
        cwd=REPOSITORY,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )
    app = subprocess.run(
        [sys.executable, "-c", starts_jsii],
        check=False,
        cwd=REPOSITORY,
        env=variables,
        capture_output=True,
        text=True,
    )

    assert (cli.returncode, cli.stdout[:2]) == (0, "2.")
    assert (app.returncode, app.stdout, app.stderr) == (0, "", "")
