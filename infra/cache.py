"""What is made once and kept, as it saves seconds: two thirds of a synthesis's twelve.

A definition is written once (importing the SageMaker SDK takes five seconds), an assembly validated
once (four), a commit's templates synthesised once (a review). Each is a JSON document in a file
that is named by the digest of all that it is made from. To lose one, or to be unable to write it,
is no error.
"""

import hashlib
import json
import os
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

INFRA = Path(__file__).parent
"""Give it to `digest` for all that a synthesis is made by."""

_SOURCES = (".py", ".toml", ".json")
_KEPT = 64


def cached(kind: str, digest: str) -> Path:
    """The file of a document, which may not be there yet.

    Args:
        kind: what kind of document it is, e.g. `definitions`: a folder of `.cache`, or of what the
            environment variable SHARDWISE_CACHE names.
        digest: of what it is made from.
    """
    folder = os.environ.get("SHARDWISE_CACHE")
    return (Path(folder) if folder else INFRA.parent / ".cache") / kind / f"{digest}.json"


def digest(*parts: str | Path) -> str:
    """SHA-256 of what a document is made from, the installed packages and Python included.

    Args:
        parts: text; a file; or a folder, of which all sources count.
    """
    hashed = hashlib.sha256()
    for text in (*parts, sys.version, *_installed_packages()):
        for name, content in _contents(text) if isinstance(text, Path) else [("", text.encode())]:
            hashed.update(f"{name}\0{len(content)}\0".encode() + content)
    return hashed.hexdigest()


def read(file: Path) -> str | None:
    """What was kept; None where nothing was, or where it is no whole document."""
    try:
        text = file.read_text("utf-8")
        json.loads(text)
    except (OSError, ValueError):
        return None
    return text


def keep(file: Path, text: str) -> None:
    """Writes a file whole or not at all; its folder keeps the newest 64."""
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=file.parent, delete=False) as temporary:
            temporary.write(text)
        Path(temporary.name).replace(file)
        newest_first = sorted(file.parent.iterdir(), key=lambda f: f.stat().st_mtime, reverse=True)
        for old in newest_first[_KEPT:]:
            old.unlink(missing_ok=True)


def _contents(path: Path) -> Iterator[tuple[str, bytes]]:
    if path.is_file():
        yield path.name, path.read_bytes()
        return
    for file in sorted(path.rglob("*")):
        if file.suffix in _SOURCES and file.is_file():
            yield file.relative_to(path).as_posix(), file.read_bytes()


def _installed_packages() -> list[str]:
    # The folder's names have the versions: botocore-1.43.0.dist-info.
    packages = Path(sysconfig.get_path("purelib")).glob("*.dist-info")
    return sorted(package.name for package in packages)
