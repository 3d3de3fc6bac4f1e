"""What is kept, and what makes it be made anew."""

import os
import shutil

import pytest

from infra import cache
from infra.cache import INFRA, cached, digest, keep, read

DOCUMENT = '{"a": 1}'


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SHARDWISE_CACHE", str(tmp_path))
    return tmp_path


def test_a_document_is_read_as_it_was_kept():
    file = cached("definitions", digest("dev"))
    assert read(file) is None
    keep(file, DOCUMENT)
    assert read(cached("definitions", digest("dev"))) == DOCUMENT


def test_a_file_that_was_cut_short_is_none():
    file = cached("definitions", digest("dev"))
    keep(file, DOCUMENT)
    file.write_text(DOCUMENT[:4])
    assert read(file) is None


def test_a_cache_that_cannot_be_written_is_no_error(folder):
    (folder / "definitions").touch()
    file = cached("definitions", digest("dev"))
    keep(file, DOCUMENT)
    assert read(file) is None


def test_the_newest_are_kept(folder):
    for number in range(70):
        file = cached("definitions", str(number))
        keep(file, DOCUMENT)
        os.utime(file, (number, number))
    keep(cached("definitions", "newest"), DOCUMENT)
    kept = {file.stem for file in (folder / "definitions").iterdir()}
    assert kept == {"newest", *map(str, range(7, 70))}


def test_other_text_has_another_digest():
    assert digest("dev", "prod") == digest("dev", "prod")
    assert len({digest("dev", "prod"), digest("devprod"), digest("dev"), digest()}) == 4


@pytest.fixture
def infra(tmp_path):
    return shutil.copytree(INFRA, tmp_path / "infra")


@pytest.mark.parametrize("changed", ["training/steps/train_model.py", "costs/prices.toml"])
def test_a_change_of_any_source_makes_another_digest(infra, changed):
    before = digest(infra)
    assert before == digest(INFRA)
    with (infra / changed).open("a") as file:
        file.write("\n")
    assert digest(infra) != before


def test_a_new_source_makes_another_digest(infra):
    before = digest(infra)
    (infra / "new.py").touch()
    assert digest(infra) != before
    (infra / "new.py").rename(infra / "newer.py")
    assert digest(infra) != before


def test_another_package_makes_another_digest(monkeypatch):
    before = digest("dev")
    packages = [*cache._installed_packages(), "another-1.0.dist-info"]
    assert any(name.startswith("sagemaker") for name in packages)
    monkeypatch.setattr(cache, "_installed_packages", lambda: packages)
    assert digest("dev") != before
