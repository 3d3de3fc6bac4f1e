"""The Python environments of images."""

from __future__ import annotations

import subprocess
import threading
from pathlib import Path

import pytest

from rehearsal.images import environments
from rehearsal.images.errors import ImageError
from tests.rehearsal.images.support import write_context


def test_an_environment_has_the_pinned_requirements_and_what_post_install_made(
    tmp_path: Path,
) -> None:
    context = write_context(tmp_path / "context", "")
    said: list[str] = []

    environment = environments.prepare(
        context, "Dockerfile", cache=tmp_path / "cache", report=said.append
    )

    assert [*environment.rglob("six.*.pyc")]  # No process that imports it compiles it.
    python = environment / "bin" / "python"
    found = subprocess.run(
        [python, "-c", "import six; print(six.__version__)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.strip() == "1.17.0"
    assert (environment / "made-by-post-install").exists()
    assert "post-install sees six 1.17.0" in said


def test_an_environment_is_made_once_by_whoever_comes_first(tmp_path: Path) -> None:
    context = write_context(tmp_path / "context", "")
    said: list[str] = []
    made: list[Path] = []

    def prepare() -> None:
        made.append(
            environments.prepare(
                context, "Dockerfile", cache=tmp_path / "cache", report=said.append
            )
        )

    threads = [threading.Thread(target=prepare) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(made) == 3
    assert len(set(made)) == 1
    assert said.count("Running post-install ...") == 1


def test_a_failed_environment_leaves_nothing_and_is_made_anew(tmp_path: Path) -> None:
    context = write_context(tmp_path / "context", "")
    cache = tmp_path / "cache"
    good = (context / "post-install").read_text(encoding="utf-8")
    (context / "post-install").write_text("#!/bin/sh\necho the compiler is gone\nexit 4\n")

    with pytest.raises(ImageError, match=r"(?s)status 4, so post-install failed.*compiler is gone"):
        environments.prepare(context, "Dockerfile", cache=cache, report=lambda line: None)

    assert [path for path in (cache / "environments").iterdir() if path.is_dir()] == []
    (context / "post-install").write_text(good)
    assert environments.prepare(context, "Dockerfile", cache=cache, report=lambda line: None)


def test_requirements_without_hashes_are_refused(tmp_path: Path) -> None:
    context = write_context(tmp_path / "context", "")
    (context / "requirements.txt").write_text("six==1.17.0\n")

    with pytest.raises(ImageError, match="the requirements could not be installed"):
        environments.prepare(
            context, "Dockerfile", cache=tmp_path / "cache", report=lambda line: None
        )


def test_an_image_without_requirements_is_named_as_such(tmp_path: Path) -> None:
    context = write_context(tmp_path / "context", "", "FROM python:3.11\nWORKDIR /opt/program\n")

    with pytest.raises(ImageError, match=r"no requirements\.txt in its WORKDIR"):
        environments.prepare(context, "Dockerfile", cache=tmp_path / "cache")
