"""What lies where SageMaker looks while a checkpoint or a model is written."""

import errno
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from training import checkpoints
from training.export import deliver

PIECES = ["golden.json", "labels.json", "model.json", "saved_model", "training.json"]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def seen(tmp_path, monkeypatch):
    """What was in the checkpoints' folder whenever a file was complete but not yet in its place."""
    found = []

    def look(descriptor):
        found.extend(names(tmp_path / "checkpoints"))

    monkeypatch.setattr(os, "fsync", look)
    return found


def write(folder: Path, step: int) -> None:
    described = f'{{"schema": 2, "epoch": 0, "step": {step}, "ended": false}}'
    checkpoints._write(folder, described, {"variable-0": np.full(3, step)})


def test_half_a_checkpoint_never_lies_in_the_folder_that_is_uploaded(tmp_path, seen):
    folder = tmp_path / "checkpoints"
    for step in range(4):
        write(folder, step)
    assert set(seen) <= {"checkpoint-0.npz", "checkpoint-1.npz"}
    assert names(tmp_path) == ["checkpoints"]
    described, arrays = checkpoints._newest(folder)
    assert (described["step"], arrays["variable-0"].tolist()) == (3, [3, 3, 3])


def test_a_folder_on_another_mount_gets_whole_checkpoints_too(tmp_path, monkeypatch):
    folder, replace = tmp_path / "checkpoints", Path.replace

    def across(self, target):
        if self.parent != Path(target).parent:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", across)
    for step in range(3):
        write(folder, step)
    assert names(folder) == ["checkpoint-0.npz", "checkpoint-1.npz"]
    assert names(tmp_path) == ["checkpoints"]
    assert checkpoints._newest(folder)[0]["step"] == 2


@pytest.fixture
def made(tmp_path):
    folder = tmp_path / ".model"
    (folder / "saved_model").mkdir(parents=True)
    (folder / "saved_model" / "saved_model.pb").write_bytes(b"graph")
    for name in set(PIECES) - {"saved_model"}:
        (folder / name).write_text(name)
    return folder


@pytest.mark.parametrize("pieces", range(len(PIECES)))
def test_a_model_that_is_cut_off_while_it_is_delivered_has_no_description(
    tmp_path, made, monkeypatch, pieces
):
    move, left = shutil.move, iter(range(pieces))

    def until_killed(*paths):
        if next(left, None) is None:
            raise KeyboardInterrupt
        return move(*paths)

    monkeypatch.setattr(shutil, "move", until_killed)
    with pytest.raises(KeyboardInterrupt):
        deliver(made, tmp_path / "model")
    assert not (tmp_path / "model" / "model.json").exists()


def test_a_model_is_delivered_whole_and_in_place_of_another(tmp_path, made):
    (tmp_path / "model" / "saved_model").mkdir(parents=True)
    (tmp_path / "model" / "saved_model" / "old").touch()
    deliver(made, tmp_path / "model")
    assert names(tmp_path / "model") == PIECES
    assert names(tmp_path / "model" / "saved_model") == ["saved_model.pb"]
    assert not made.exists()
