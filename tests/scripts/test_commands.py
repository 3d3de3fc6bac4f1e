"""Each command as a process of its own, in a pipe, with no AWS to talk to."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

RunCommand = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.mark.parametrize("command", ["drop", "watch", "approve", "invoke", "drift"])
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
        "approve": [],
        "invoke": [image],
        "drift": [],
    }.items():
        ended = run_command(command, *arguments, "--environment", "nowhere", **variables)

        assert ended.returncode == 1
        assert ended.stderr.splitlines()[-1].endswith(
            "is not deployed: run npx cdk deploy 'nowhere/*' first."
        )
