"""Trees of git: a revision beside the working tree."""

import subprocess
import tarfile
from pathlib import Path

from scripts.console import CommandError

_SHORT = 7


def commit(repository: Path, revision: str) -> str:
    """The full id of a commit.

    Raises:
        CommandError: there is none of that name.
    """
    found = _resolved(repository, revision)
    if found is None:
        raise CommandError(
            f"There is no revision {revision!r} in {repository}: {_advice(repository, revision)}."
        )
    return found


def _resolved(repository: Path, revision: str) -> str | None:
    named = f"{revision}^{{commit}}"
    done = _git(repository, "rev-parse", "--verify", "--quiet", "--end-of-options", named)
    return done.stdout.decode().strip() if done.returncode == 0 else None


def _advice(repository: Path, revision: str) -> str:
    if _resolved(repository, f"origin/{revision}"):
        return f"name origin/{revision}, which is there"
    if _git(repository, "rev-parse", "--is-shallow-repository").stdout.strip() == b"true":
        return (
            f"this clone is shallow, run git fetch --depth 1 origin {revision} and name FETCH_HEAD"
        )
    return "name a branch, a tag or a commit"


def extract(repository: Path, commit_id: str, folder: Path) -> None:
    """Writes the files of a commit into a folder; the working tree and the index stay as they are.

    Raises:
        CommandError: git does not give them.
    """
    archive = folder / ".archive.tar"
    done = _git(repository, "archive", "--format=tar", f"--output={archive}", commit_id)
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip()
        raise CommandError(f"git does not give the files of {commit_id[:_SHORT]}: {said}.")
    with tarfile.open(archive) as files:
        files.extractall(folder, filter="data")
    archive.unlink()


def working_tree(repository: Path) -> str:
    """What the working tree is, e.g. `the working tree (1a2b3c4, with changes)`."""
    head = _git(repository, "rev-parse", "--verify", "--quiet", "HEAD")
    if head.returncode != 0:
        return "the working tree"
    is_dirty = bool(_git(repository, "status", "--porcelain").stdout.strip())
    commit_id = head.stdout.decode()[:_SHORT]
    return f"the working tree ({commit_id}{', with changes' if is_dirty else ''})"


def named(revision: str, commit_id: str) -> str:
    """E.g. `main (1a2b3c4)`."""
    short = commit_id[:_SHORT]
    return short if commit_id.startswith(revision) else f"{revision} ({short})"


def _git(repository: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            ["git", "-C", str(repository), *arguments], capture_output=True, check=False
        )
    except FileNotFoundError as error:
        raise CommandError("git is not on PATH: install it.") from error
