"""A function's code as Lambda takes it."""

import io
import zipfile
from pathlib import Path


def zipped(folder: Path) -> bytes:
    """An archive of the files of a folder."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, file.relative_to(folder))
    return content.getvalue()
