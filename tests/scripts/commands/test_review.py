"""`./scripts/review` itself, on a repository of its own."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.scripts.reviews.changes import make_tree

REPOSITORY = Path(__file__).resolve().parents[3]
GIT = {
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.org",
}


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A commit of these sources, with what is installed here."""
    folder = make_tree(tmp_path_factory.mktemp("review") / "repository", ())
    ignored = shutil.ignore_patterns("__pycache__")
    for name in ("scripts", "rehearsal"):
        shutil.copytree(REPOSITORY / name, folder / name, ignore=ignored)
    for name in ("requirements.txt", "review.toml", ".gitignore"):
        shutil.copy(REPOSITORY / name, folder / name)
    # What was found clean and written before is not again.
    (REPOSITORY / ".cache").mkdir(exist_ok=True)
    for name in ("node_modules", ".cache"):
        (folder / name).symlink_to(REPOSITORY / name)
    (folder / ".git" / "info").mkdir(parents=True)
    git(folder, "init", "--quiet", "--initial-branch", "main")
    (folder / ".git" / "info" / "exclude").write_text("node_modules\n.cache\n")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "first")
    return folder


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, check=True, env={**os.environ, **GIT})


def start(repository: Path, *arguments: str, **more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "scripts.commands", "review", *arguments],
        cwd="/",
        env={**os.environ, "PYTHONPATH": str(repository), **more},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    output, errors = process.communicate(timeout=600)
    return process.returncode, output, errors


def test_a_dirty_tree_is_reviewed_against_a_commit_and_again_from_what_was_kept(
    repository: Path, tmp_path: Path
) -> None:
    settings = repository / "cdk.json"
    content = json.loads(settings.read_text("utf-8"))
    content["context"]["operations.log_days"] = "7"
    settings.write_text(json.dumps(content), "utf-8")
    first = ended(start(repository, "HEAD", "--environment", "dev", TMPDIR=str(tmp_path)))
    assert first[0] == 3, first[2]
    assert first[1].startswith("dev: DATA LOSS in ")
    assert "the working tree (" in first[1]
    assert "with changes" in first[1]
    (kept,) = (repository / ".rehearsal" / "review").iterdir()
    made = kept.stat()
    page = tmp_path / "review.html"
    again = start(
        *(repository, "main", "--allow", "data-loss", "--format", "html", "--output", str(page)),
        TMPDIR=str(tmp_path),
    )
    assert ended(again)[0] == 0
    assert page.read_text("utf-8").startswith("<!doctype html>")
    assert kept.stat().st_mtime_ns == made.st_mtime_ns
    assert [file.name for file in tmp_path.iterdir()] == ["review.html"]


def test_ctrl_c_leaves_nothing_behind(repository: Path, tmp_path: Path) -> None:
    process = start(repository, "HEAD", TMPDIR=str(tmp_path))
    while not list(tmp_path.glob("review-*/after.log")):
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    status, _, said = ended(process)
    assert (status, said) == (130, "Interrupted.\n")
    assert list(tmp_path.glob("review-*")) == []


def test_a_shallow_clone_says_how_to_fetch_the_base(repository: Path, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    git(repository, "clone", "--quiet", "--depth", "1", f"file://{repository}", str(clone))
    status, _, said = ended(start(clone, "release"))
    assert status == 1
    assert "this clone is shallow, run git fetch --depth 1 origin release" in said


def test_an_environment_that_is_not_there_is_refused(repository: Path) -> None:
    status, _, said = ended(start(repository, "HEAD", "--environment", "production"))
    assert status == 1
    assert said.startswith("production of HEAD (")
    assert "can't be synthesised: " in said
    assert len(said.splitlines()) == 1
