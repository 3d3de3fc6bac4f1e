"""Files that only save time: to lose them, or to be unable to write them, is no error."""

import tempfile
from contextlib import suppress
from pathlib import Path

_KEPT = 64


def keep(file: Path, text: str) -> None:
    """Writes a file whole or not at all; its folder keeps the newest 64."""
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=file.parent, delete=False) as made:
            made.write(text)
        Path(made.name).replace(file)
        newest_first = sorted(file.parent.iterdir(), key=lambda f: f.stat().st_mtime, reverse=True)
        for old in newest_first[_KEPT:]:
            old.unlink(missing_ok=True)
