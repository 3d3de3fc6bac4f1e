"""The whole command, on deployed stacks; each class needs three images, one a channel."""

import io
import re
import signal
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path

import boto3
import pytest
from rich.console import Console

from scripts.commands import drop as command
from scripts.console import CommandError
from scripts.images.data_sets import write_digits

Drop = Callable[..., int]


@pytest.fixture
def drop(environment: str, console: Console, pipeline: str) -> Drop:
    def run(*arguments: object) -> int:
        given = [*map(str, arguments), "--environment", environment]
        return command.main.execute(given, console)

    return run


def keys_of(session: boto3.Session, bucket: str) -> list[str]:
    found = session.client("s3").list_objects_v2(Bucket=bucket)
    return [item["Key"] for item in found.get("Contents", [])]


def test_a_folder_becomes_a_drop_and_the_next_command_is_named(
    session: boto3.Session, bucket: str, photos: Path, drop: Drop, output: io.StringIO
) -> None:
    assert drop(photos) == 0

    said = output.getvalue()
    found = re.search(r"Next: \./scripts/watch --drop (\S+) --environment test\d+", said)
    assert found
    assert "Dropped 8 images of 2 classes" in said
    assert f"drops/{found[1]}/_SUCCESS" in keys_of(session, bucket)


def test_the_drop_has_the_id_that_was_given(
    session: boto3.Session, bucket: str, photos: Path, drop: Drop
) -> None:
    drop(photos, "--id", "mine")

    assert "drops/mine/_SUCCESS" in keys_of(session, bucket)


def test_a_class_too_small_is_refused_before_anything_is_uploaded(
    session: boto3.Session, bucket: str, photos: Path, drop: Drop
) -> None:
    for image in sorted((photos / "dog").iterdir())[:2]:
        image.unlink()

    with pytest.raises(CommandError, match=r"Each class .* needs 3 .* 'dog' has 2: add images"):
        drop(photos)
    assert keys_of(session, bucket) == []


def test_one_class_alone_is_refused_before_anything_is_uploaded(
    session: boto3.Session, bucket: str, photos: Path, drop: Drop
) -> None:
    (photos / "dog").rename(photos.parent / "dog")

    with pytest.raises(CommandError, match="has one class only, 'cat'"):
        drop(photos)
    assert keys_of(session, bucket) == []


def test_a_small_class_is_a_warning_once_there_is_a_complete_drop(
    session: boto3.Session,
    bucket: str,
    photos: Path,
    drop: Drop,
    write_image: Callable[..., Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    drop(photos, "--id", "first")
    write_image(photos.parent / "more" / "cat" / "new.png", grey=77)

    assert drop(photos.parent / "more", "--id", "second") == 0
    assert "Warning: " in capsys.readouterr().err
    assert "drops/second/_SUCCESS" in keys_of(session, bucket)


def test_class_folders_that_differ_in_their_unicode_form_are_one_class_with_a_warning(
    bucket: str,
    photos: Path,
    drop: Drop,
    write_image: Callable[..., Path],
    output: io.StringIO,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for number, form in enumerate(("NFC", "NFD")):
        folder = photos / unicodedata.normalize(form, "caf\u00e9")
        for image in range(2):
            write_image(folder / f"{image}.png", grey=10 * number + image)

    drop(photos)

    assert capsys.readouterr().err.count("have the name 'caf\u00e9' in two ways") == 1
    assert "Dropped 12 images of 3 classes" in output.getvalue()


def test_a_file_that_is_no_image_is_refused_and_skipped_when_asked(
    session: boto3.Session,
    bucket: str,
    photos: Path,
    drop: Drop,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (photos / "cat" / "notes.txt").write_text("no image")

    with pytest.raises(CommandError, match=r"1 of 9 files .* cat/notes\.txt is no JPEG, PNG"):
        drop(photos)
    assert keys_of(session, bucket) == []

    assert drop(photos, "--skip-unusable") == 0
    assert "Skipped: cat/notes.txt" in capsys.readouterr().err
    assert len(keys_of(session, bucket)) == 9


def test_class_folders_without_images_are_refused(bucket: str, tmp_path: Path, drop: Drop) -> None:
    (tmp_path / "photos" / "cat").mkdir(parents=True)

    with pytest.raises(CommandError, match="hold no images"):
        drop(tmp_path / "photos")


def test_a_complete_drop_is_refused(bucket: str, photos: Path, drop: Drop) -> None:
    drop(photos, "--id", "mine")

    with pytest.raises(CommandError, match="mine is complete already"):
        drop(photos, "--id", "mine")


def test_hidden_files_are_ignored_with_a_note(
    session: boto3.Session, bucket: str, photos: Path, drop: Drop, output: io.StringIO
) -> None:
    (photos / "cat" / ".DS_Store").write_text("no image")

    drop(photos)

    assert "Ignored, as hidden or in no class folder: cat/.DS_Store" in output.getvalue()
    assert not [key for key in keys_of(session, bucket) if "DS_Store" in key]


def test_ctrl_c_while_uploading_ends_with_130_and_leaves_no_marker(
    session: boto3.Session, bucket: str, pipeline: str, environment: str, tmp_path: Path
) -> None:
    write_digits(tmp_path)
    command_line = [sys.executable, "-m", "scripts.commands", "drop", tmp_path, "--id", "mine"]
    process = subprocess.Popen(
        [*command_line, "--environment", environment],
        cwd=Path(__file__).resolve().parents[3],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    for line in process.stdout:
        if line.startswith("Uploaded"):
            process.send_signal(signal.SIGINT)
            break
    said = process.communicate(timeout=60)[1]

    assert process.returncode == 130
    assert "Interrupted: the drop mine has no marker" in said
    assert "Traceback" not in said
    assert "drops/mine/_SUCCESS" not in keys_of(session, bucket)
