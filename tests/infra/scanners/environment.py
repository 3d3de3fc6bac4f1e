"""The environment of the scanners, made once for all checkouts of the same requirements."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from filelock import FileLock

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
_STATE = Path(__file__).resolve().parents[3] / ".rehearsal"


def scanners() -> Path:
    """The folder of the scanners' commands, from their own pinned requirements."""
    digest = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:16]
    made = _STATE / f"scanners-{digest}"
    _STATE.mkdir(exist_ok=True)
    with FileLock(_STATE / "scanners.lock"):
        if not (made / ".complete").exists():
            shutil.rmtree(made, ignore_errors=True)
            _make(made)
            (made / ".complete").touch()
    return made / "bin"


def _make(folder: Path) -> None:
    uv = str(Path(sys.executable).with_name("uv"))
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(folder)], check=True)
    python = str(folder / "bin" / "python")
    install = [uv, "pip", "install", "--quiet", "--require-hashes", "--python", python]
    subprocess.run([*install, "-r", str(REQUIREMENTS)], check=True)
