"""`./scripts/rehearse` where something fails on the way."""

import subprocess
import sys
from pathlib import Path

import pytest

from rehearsal import lifecycle
from scripts.images.data_sets import DATA_SETS
from tests.scripts.conftest import RunCommand

REPOSITORY = Path(__file__).resolve().parents[3]

# The command, but with stacks that cannot be deployed.
FAILING = """
import sys
from scripts.commands import rehearse
from scripts.console import CommandError
def refuse(*_):
    raise CommandError("The stacks were not deployed.")
rehearse._deploy = refuse
sys.exit(rehearse.main(sys.argv[1:]))
"""


@pytest.mark.parametrize("keep", [True, False], ids=["kept", "not kept"])
def test_aws_goes_on_after_a_failure_only_where_it_is_to_be_kept(tmp_path, keep):
    folder = tmp_path / "rehearsal"
    command = [sys.executable, "-c", FAILING, "--folder", str(folder), *["--keep"] * keep]
    try:
        ended = subprocess.run(
            command, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=300
        )
        assert ended.returncode == 1, ended.stderr
        assert "The stacks were not deployed." in ended.stdout + ended.stderr
        assert lifecycle.is_running(folder / "aws") is keep
        assert (f"./scripts/local-aws stop --state {folder}/aws" in ended.stdout) is keep
    finally:
        lifecycle.stop(folder / "aws")


def test_a_folder_and_a_data_set_exclude_each_other(
    tmp_path: Path, run_command: RunCommand
) -> None:
    ended = run_command("rehearse", "--data", tmp_path, "--data-set", "cifar10")

    assert ended.returncode == 2
    assert "--data and --data-set exclude each other" in ended.stderr


def test_an_unknown_data_set_is_refused_with_those_there_are(run_command: RunCommand) -> None:
    ended = run_command("rehearse", "--data-set", "flowers")

    assert ended.returncode == 2
    for name in DATA_SETS:
        assert name in ended.stderr


def test_an_unknown_network_is_refused_with_those_there_are(run_command: RunCommand) -> None:
    ended = run_command("rehearse", "--model", "resnet")

    assert ended.returncode == 2
    assert "small_cnn" in ended.stderr
    assert "_backbone" not in ended.stderr
