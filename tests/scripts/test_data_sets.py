import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.settings import OVERRIDES, load
from scripts.images.data_sets import DATA_SETS, DEFAULT

RunCommand = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.mark.parametrize("name", sorted(DATA_SETS))
def test_what_a_data_set_sets_otherwise_is_a_setting_that_dev_takes(name: str) -> None:
    context = DATA_SETS[name].context

    assert context.keys() <= OVERRIDES.keys()
    settings, plain = load("dev", context.get), load("dev")
    assert (settings == plain) == (not context)


@pytest.mark.parametrize("name", sorted(DATA_SETS))
def test_a_data_set_is_written_into_class_folders(name: str, tmp_path: Path) -> None:
    count = DATA_SETS[name].write(tmp_path)

    assert count == len(list(tmp_path.glob("*/*"))) >= 1000
    assert len(list(tmp_path.iterdir())) >= 5


def test_the_digits_are_rehearsed_with_where_nothing_is_said() -> None:
    assert DEFAULT == "digits"


def test_a_folder_and_a_data_set_exclude_each_other(
    tmp_path: Path, run_command: RunCommand
) -> None:
    ended = run_command("rehearse", "--data", tmp_path, "--data-set", "cifar10")

    assert ended.returncode == 2
    assert "--data-set: not allowed with argument --data" in ended.stderr


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
