"""Lays the files of an image out in a folder."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path, PurePosixPath

from rehearsal.images.dockerfile import Recipe
from rehearsal.images.errors import ImageError


def lay_out(recipe: Recipe, context: Path, root: Path) -> None:
    """Copies what `recipe` copies out of the folder `context` to its place below `root`.

    The context is taken as it is: the CDK has left out what `.dockerignore` names when it staged
    the folder.

    Raises:
        ImageError: a source is not in the context.
    """
    below(root, recipe.workdir).mkdir(parents=True, exist_ok=True)
    for instruction in recipe.copies:
        destination = below(root, instruction.destination)
        found = [path for source in instruction.sources for path in _found(context, source)]
        into = instruction.into or len(found) > 1 or destination.is_dir()
        for source in found:
            _copy(source, destination, into)


def below(root: Path, path: str) -> Path:
    """Where the absolute `path` of an image lies when its files are below `root`."""
    return root / PurePosixPath(path).relative_to("/")


def digest(root: Path, settings: bytes) -> str:
    """SHA-256, in hex, of `settings` and of every file below `root`: its path, whether it runs, its
    content.
    """
    whole = hashlib.sha256(settings)
    for path in sorted(root.rglob("*")):
        relative = path.relative_to(root).as_posix()
        if path.is_file():
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            whole.update(f"\0{relative}\0{path.stat().st_mode & 0o100}\0{content}".encode())
        else:
            whole.update(f"\0{relative}/".encode())
    return whole.hexdigest()


def _found(context: Path, source: str) -> list[Path]:
    pattern = source.lstrip("/").rstrip("/")
    if pattern in ("", "."):
        return [context]
    if ".." in PurePosixPath(pattern).parts:
        raise ImageError(f"COPY {source}: a source lies in the build context, so it has no '..'.")
    exact = context / pattern
    found = [exact] if exact.exists() else sorted(context.glob(pattern))
    if not found:
        raise ImageError(f"COPY {source}: there is no such file in the build context {context}.")
    return found


def _copy(source: Path, destination: Path, into: bool) -> None:
    if source.is_dir():
        shutil.copytree(source, destination, dirs_exist_ok=True)
        return
    target = destination / source.name if into else destination
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target)
