"""The Python environment of an image: its pinned requirements, installed once and kept in the
cache.

An environment is made from files in the image's working folder: `requirements.txt` (pinned, hashed)
and, where it is there, `post-install`, an executable that runs after the requirements with the
environment's `python` first on PATH, with the files beside it. Its key is the SHA-256 of these, the
Python version and the platform, so images with the same files share one.
"""

import hashlib
import os
import platform
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from uv import find_uv_bin

from rehearsal.images import dockerfile
from rehearsal.images.errors import ImageError

Report = Callable[[str], object]

_LINES_SHOWN = 15
_SILENCE = 10.0
_TOOLS = ("pip", "setuptools", "wheel")


def _run(
    command: Sequence[str], variables: dict[str, str], folder: Path, report: Report, failure: str
) -> None:
    """Runs `command` in `folder` with `variables` besides ours.

    A tool that is silent for ten seconds is reported as still running.

    Raises:
        ImageError: it could not be started, or ended with another status than 0; says `failure` and
            its last lines.
    """
    name = Path(command[0]).name
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=_own_variables() | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        raise ImageError(f"{name} can't be run, so {failure}: {error.strerror}.") from error
    try:
        last = _follow(process, name, report)
    except BaseException:
        # What the tool started (a compiler, say) ends with it.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise
    if process.wait() != 0:
        raise ImageError(f"{name} ended with status {process.returncode}, so {failure}:\n{last}")


def _follow(process: subprocess.Popen[str], name: str, report: Report) -> str:
    lines: queue.Queue[str | None] = queue.Queue()
    threading.Thread(target=_read, args=(process, lines), daemon=True).start()
    last: deque[str] = deque(maxlen=_LINES_SHOWN)
    silent = 0.0
    while True:
        try:
            line = lines.get(timeout=_SILENCE)
        except queue.Empty:
            silent += _SILENCE
            report(f"{name} is still running (silent for {silent:.0f} s) ...")
            continue
        if line is None:
            return "\n".join(last)
        silent = 0.0
        last.append(line)
        report(line)


def _read(process: subprocess.Popen[str], lines: queue.Queue[str | None]) -> None:
    assert process.stdout is not None  # noqa: S101 - narrows the type: it is a pipe
    for line in process.stdout:
        lines.put(line.rstrip())
    lines.put(None)


_COMPLETE = ".complete"
_WAIT_SECONDS = 2.0


def prepare(
    folder: Path,
    dockerfile_name: str,
    *,
    cache: Path,
    report: Report = print,
) -> Path:
    """The environment of the image that `dockerfile_name` (relative to `folder`, the build context)
    describes.

    Made when it isn't there yet, which takes minutes where something is compiled; `report` is given
    each line of progress.

    Raises:
        ImageError: the Dockerfile can't be read, or the environment can't be made.
    """
    recipe = dockerfile.read(folder / dockerfile_name, {})
    with tempfile.TemporaryDirectory(prefix="image-") as temporary:
        root = Path(temporary)
        dockerfile.lay_out(recipe, folder, root)
        return ensure(dockerfile.below(root, recipe.workdir), cache=cache, report=report)


def ensure(program: Path, *, cache: Path, report: Report = print) -> Path:
    """The environment of the image whose working folder is laid out at `program`; made when it
    isn't there yet.

    Args:
        report: is told now and then, too, that another process makes it; what it raises ends this.

    Raises:
        ImageError: it can't be made; nothing of it stays.
    """
    environment = cache / "environments" / key(program)
    if (environment / _COMPLETE).exists():
        return environment
    environment.parent.mkdir(parents=True, exist_ok=True)
    with _held(FileLock(environment.with_suffix(".lock")), report):
        if not (environment / _COMPLETE).exists():
            _make(environment, program, cache / "wheels", report)
    return environment


@contextmanager
def _held(lock: FileLock, report: Report) -> Iterator[None]:
    while True:
        try:
            lock.acquire(timeout=_WAIT_SECONDS)
        except Timeout:
            report(f"Waits until another process has made what {lock.lock_file} guards.")
        else:
            break
    try:
        yield
    finally:
        lock.release()


def key(program: Path) -> str:
    """What the environment of the image with the working folder `program` is called in the cache.

    Raises:
        ImageError: there is no `requirements.txt` in it.
    """
    try:
        requirements = (program / "requirements.txt").read_bytes()
    except OSError as error:
        raise ImageError(
            "The image has no requirements.txt in its WORKDIR, and the rehearsal makes its "
            "environment from that file: COPY one there."
        ) from error
    parts = [
        requirements,
        platform.python_version().encode(),
        f"{platform.system()} {platform.machine()}".encode(),
    ]
    if (program / "post-install").exists():
        # It may read any file beside it, such as the requirements of what it compiles.
        files = sorted(file for file in program.iterdir() if file.is_file())
        parts += [part for file in files for part in (file.name.encode(), file.read_bytes())]
    whole = hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts))
    return whole.hexdigest()[:32]


def _make(environment: Path, program: Path, wheels: Path, report: Report) -> None:
    shutil.rmtree(environment, ignore_errors=True)
    try:
        _install(environment, program, report)
        if (program / "post-install").exists():
            _post_install(environment, program, wheels, report)
        # An environment can't be moved, so it is made in place, and only one with this file is
        # whole.
        (environment / _COMPLETE).touch()
    except BaseException as error:
        shutil.rmtree(environment, ignore_errors=True)
        if not isinstance(error, OSError):
            raise
        reason = f"The environment {environment} can't be written: {error.strerror}."
        raise ImageError(reason) from error


def _install(environment: Path, program: Path, report: Report) -> None:
    report(f"Installing requirements.txt into {environment} ...")
    uv = find_uv_bin()
    make = [uv, "venv", "--no-project", "--python", sys.executable, str(environment)]
    _run(make, {}, program, report, "the virtual environment could not be made")
    python = str(environment / "bin" / "python")
    # Compiled, as pip does in the image: each process that may write nothing would compile all that
    # it imports. The tools that any image has come behind, and nobody imports them.
    sync = [uv, "pip", "sync", "--require-hashes", "--compile-bytecode", "--python", python]
    failure = "the requirements could not be installed"
    _run([*sync, "requirements.txt"], {}, program, report, failure)
    _run([uv, "pip", "install", "--python", python, *_TOOLS], {}, program, report, failure)


def _post_install(environment: Path, program: Path, wheels: Path, report: Report) -> None:
    report("Running post-install ...")
    wheels.mkdir(parents=True, exist_ok=True)
    variables = {
        "PATH": f"{environment / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "VIRTUAL_ENV": str(environment),
        "WHEEL_CACHE": str(wheels),
    }
    _run([str(program / "post-install")], variables, program, report, "post-install failed")


def _own_variables() -> dict[str, str]:
    """Ours less those that would point an installer at the interpreter that runs us."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("PYTHON") and name not in ("VIRTUAL_ENV", "CONDA_PREFIX")
    }
