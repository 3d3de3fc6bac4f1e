"""What EvaluateModel refuses before TensorFlow is imported, and how it says so."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from training.evaluate_model import main
from training.evaluation.inputs import Folders, read_models, unpack_models

DESCRIPTION = {"schema": 1, "image_size": 8, "labels": ["a", "b"]}


def write(archive: Path, description: object = DESCRIPTION, saved_model: bool = True) -> None:
    """An archive that has all that is looked at before TensorFlow is imported."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive, "w:gz") as content:
        files = {"./model.json": json.dumps(description).encode()}
        if saved_model:
            files["./saved_model/saved_model.pb"] = b"graph"
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            content.addfile(member, io.BytesIO(text))


@pytest.fixture
def inputs(tmp_path):
    folder = tmp_path / "processing" / "input"
    write(folder / "model" / "model.tar.gz")
    return folder


def message(root: Path, *arguments: str) -> str:
    assert main(arguments, root) == 1
    return (root / "output" / "message").read_text()


def test_a_broken_archive_ends_with_one_sentence(inputs, tmp_path):
    (inputs / "model" / "model.tar.gz").write_bytes(b"no archive")
    assert "cannot be unpacked" in message(tmp_path)


def test_an_archive_that_breaks_off_ends_with_one_sentence(inputs, tmp_path):
    archive = inputs / "model" / "model.tar.gz"
    archive.write_bytes(archive.read_bytes()[:-30])
    assert "cannot be unpacked" in message(tmp_path)


def test_an_archive_that_is_not_there_ends_with_one_sentence(inputs, tmp_path):
    (inputs / "model" / "model.tar.gz").unlink()
    assert "cannot be unpacked" in message(tmp_path)


@pytest.mark.parametrize(
    "description",
    [
        {},
        [],
        DESCRIPTION | {"labels": ["a", "a"]},
        DESCRIPTION | {"labels": []},
        DESCRIPTION | {"labels": [1, 2]},
        DESCRIPTION | {"image_size": "8"},
    ],
)
def test_an_archive_without_a_usable_description_ends_with_one_sentence(
    inputs, tmp_path, description
):
    write(inputs / "model" / "model.tar.gz", description)
    assert "The archive of the model has no usable model.json" in message(tmp_path)


def test_an_archive_without_a_saved_model_ends_with_one_sentence(inputs, tmp_path):
    write(inputs / "serving" / "model.tar.gz", saved_model=False)
    served = {"schema": 1, "endpoint": "e", "model_package_arn": "arn"}
    (inputs / "serving" / "serving.json").write_text(json.dumps(served))
    text = message(tmp_path)
    assert "The archive of the serving model has no saved_model/saved_model.pb" in text


def test_a_serving_model_that_nothing_describes_ends_with_one_sentence(inputs, tmp_path):
    write(inputs / "serving" / "model.tar.gz")
    assert "holds a model.tar.gz and no serving.json" in message(tmp_path)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"endpoint": "e", "model_package_arn": 1}'])
def test_a_broken_serving_json_ends_with_one_sentence(inputs, tmp_path, text):
    (inputs / "serving").mkdir()
    (inputs / "serving" / "serving.json").write_text(text)
    assert "What serves now cannot be read from" in message(tmp_path)


@pytest.mark.parametrize("number", ["0", "65", "two", "-1", "1.5", ""])
def test_a_number_of_workers_out_of_range_ends_with_one_sentence(tmp_path, number):
    text = message(tmp_path, f"--workers-per-host={number}")
    assert text.endswith("give a number from 1 to 64.")


def test_no_serving_folder_means_that_none_serves(inputs, tmp_path):
    unpack_models(Folders(tmp_path))
    assert read_models(Folders(tmp_path)).serving is None


def test_what_an_earlier_archive_held_does_not_stay(inputs, tmp_path):
    unpack_models(Folders(tmp_path))
    write(inputs / "model" / "model.tar.gz", DESCRIPTION | {"image_size": 9}, saved_model=False)
    assert "has no saved_model" in message(tmp_path)


def test_inputs_are_checked_without_tensorflow(inputs, tmp_path):
    (inputs / "model" / "model.tar.gz").unlink()
    code = (
        "import sys; from pathlib import Path; from training.evaluate_model import main; "
        f"code = main([], Path({str(tmp_path)!r})); "
        "sys.exit(code if 'tensorflow' not in sys.modules else 9)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 1
