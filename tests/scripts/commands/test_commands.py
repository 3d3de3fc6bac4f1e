"""Each command as a process of its own, in a pipe, with no AWS to talk to."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.scripts.conftest import RunCommand

REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("command", ["drop", "watch", "report", "approve", "invoke", "drift"])
def test_help_has_an_example(command: str, run_command: RunCommand) -> None:
    ended = run_command(command, "--help")

    assert ended.returncode == 0
    assert f"example: ./scripts/{command} " in ended.stdout
    assert "--environment" in ended.stdout


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
