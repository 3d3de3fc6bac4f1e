"""npm makes the packages here out of folders: the same client, and no registry."""

import json
import subprocess
from pathlib import Path

import pytest

from scripts.console import CommandError
from scripts.images.npm_package import NpmPackage, fetch, read


@pytest.fixture
def package(tmp_path: Path) -> NpmPackage:
    """A package whose archive has the pinned digest."""
    folder = tmp_path / "images"
    folder.mkdir()
    (folder / "package.json").write_text(json.dumps({"name": "images", "version": "1.0.0"}))
    (folder / "a.txt").write_text("a")
    return NpmPackage(str(folder), "", _integrity(folder, tmp_path))


def _integrity(folder: Path, tmp_path: Path) -> str:
    """What npm calls the archive of a folder: the same files make the same bytes."""
    shown = subprocess.run(
        ["npm", "pack", folder, "--json", "--pack-destination", tmp_path],
        capture_output=True,
        text=True,
        check=True,
    )
    (packed,) = json.loads(shown.stdout)
    return str(packed["integrity"])


def test_a_package_is_fetched_once_and_then_read_from_the_cache(
    package: NpmPackage, tmp_path: Path
) -> None:
    archive = fetch(package, tmp_path / "cache")
    (Path(package.name) / "package.json").unlink()  # nothing is left to fetch

    assert fetch(package, tmp_path / "cache") == archive
    assert read(archive, ["a.txt"]) == {"a.txt": b"a"}
    assert [file.name for file in (tmp_path / "cache").iterdir()] == [archive.name]


def test_a_damaged_archive_in_the_cache_is_fetched_again(
    package: NpmPackage, tmp_path: Path
) -> None:
    archive = fetch(package, tmp_path / "cache")
    archive.write_bytes(archive.read_bytes()[:100])

    assert read(fetch(package, tmp_path / "cache"), ["a.txt"]) == {"a.txt": b"a"}


def test_another_archive_than_the_pinned_one_is_refused_and_not_kept(
    package: NpmPackage, tmp_path: Path
) -> None:
    (Path(package.name) / "a.txt").write_text("b")

    with pytest.raises(CommandError, match=r"gave another archive of .* than the pinned one"):
        fetch(package, tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_package_that_npm_cannot_get_is_one_sentence(tmp_path: Path) -> None:
    nowhere = NpmPackage(str(tmp_path / "nowhere"), "", "sha512-")

    with pytest.raises(CommandError, match=r"^npm could not fetch .*nowhere"):
        fetch(nowhere, tmp_path / "cache")


def test_no_node_of_the_machine_is_asked(
    package: NpmPackage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert read(fetch(package, tmp_path / "cache"), ["a.txt"])


def test_a_file_that_the_package_lacks_is_one_sentence(package: NpmPackage, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"holds no file b\.txt"):
        read(fetch(package, tmp_path / "cache"), ["a.txt", "b.txt"])
