"""Reads a Dockerfile: which files of the context its last stage copies where, and how it starts.

What a `RUN` does can't be known without running it, so it is left out; the environment that the
rehearsal makes from `requirements.txt` and `post-install` takes its place. `COPY --from` brings
what such a `RUN` made, and is left out too.
"""

import copy
import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from dockerfile_parse import DockerfileParser  # type: ignore[import-untyped]
from dockerfile_parse.util import (  # type: ignore[import-untyped]
    WordSplitter,
    extract_key_values,
)

from rehearsal.images.errors import ImageError


@dataclass(frozen=True)
class Copy:
    """One `COPY`: sources as written (relative to the context), and the absolute destination.

    `into` says that the destination is a folder: it ended with a slash, or there are several
    sources.
    """

    sources: tuple[str, ...]
    destination: str
    into: bool


# What the official images start with; an image's own PATH mostly adds to it.
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass
class Recipe:
    """What the last stage of a Dockerfile says, with its arguments and variables put in."""

    copies: list[Copy] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=lambda: {"PATH": _PATH})
    workdir: str = "/"
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()


class _Stage:
    def __init__(self, recipe: Recipe, build_args: Mapping[str, str], defaults: Mapping[str, str]):
        self.recipe = recipe
        self._build_args = build_args
        self._defaults = defaults
        self._arguments: dict[str, str] = {}

    def apply(self, instruction: str, value: str) -> None:
        handler = getattr(self, f"_{instruction.lower()}", None)
        if handler:
            handler(value)

    def _words(self, value: str) -> list[str]:
        return list(WordSplitter(value, args=self._arguments, envs=self.recipe.environment).split())

    def _text(self, value: str) -> str:
        splitter = WordSplitter(value, args=self._arguments, envs=self.recipe.environment)
        return str(splitter.dequote()).strip()

    def _arg(self, value: str) -> None:
        for word in WordSplitter(value).split(dequote=False):
            name, has_default, default = word.partition("=")
            if name in self._build_args:
                self._arguments[name] = self._build_args[name]
            elif has_default:
                self._arguments[name] = self._text(default)
            elif name in self._defaults:
                self._arguments[name] = self._defaults[name]

    def _env(self, value: str) -> None:
        pairs = extract_key_values(True, self._arguments, self.recipe.environment, value)
        self.recipe.environment.update(pairs)

    def _workdir(self, value: str) -> None:
        self.recipe.workdir = _absolute(self.recipe.workdir, self._text(value))

    def _entrypoint(self, value: str) -> None:
        self.recipe.entrypoint = _exec_form("ENTRYPOINT", value)
        self.recipe.command = ()

    def _cmd(self, value: str) -> None:
        self.recipe.command = _exec_form("CMD", value)

    def _add(self, value: str) -> None:
        raise ImageError(
            f"'ADD {value}': the rehearsal reads COPY only; copy the files of the context instead."
        )

    def _copy(self, value: str) -> None:
        flags, words = _split_flags(value)
        if "--from" in flags:
            return
        parts = json.loads(words) if words.startswith("[") else self._words(words)
        if len(parts) < 2:
            raise ImageError(f"'COPY {value}' names no destination: write COPY SOURCE DESTINATION.")
        *sources, destination = parts
        self.recipe.copies.append(
            Copy(
                sources=tuple(sources),
                destination=_absolute(self.recipe.workdir, destination),
                into=destination.endswith(("/", "/.")) or destination == "." or len(sources) > 1,
            )
        )


def read(path: Path, build_args: Mapping[str, str]) -> Recipe:
    """What `path` makes of its last stage.

    Raises:
        ImageError: there is no such file, or it says what the rehearsal can't do.
    """
    try:
        with path.open("rb") as file:
            structure = DockerfileParser(fileobj=file).structure
    except OSError as error:
        raise ImageError(f"The Dockerfile {path} can't be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise ImageError(f"The Dockerfile {path} is no UTF-8 text: save it as UTF-8.") from error
    try:
        return _last_stage(((line["instruction"], line["value"]) for line in structure), build_args)
    except (ImageError, ValueError) as error:
        raise ImageError(f"{path}: {error}") from error


def _last_stage(instructions: Iterator[tuple[str, str]], build_args: Mapping[str, str]) -> Recipe:
    # Arguments before the first FROM are in scope for FROM only, and are defaults of an ARG of that
    # name later.
    before = _Stage(Recipe(), build_args, {})
    named: dict[str, Recipe] = {}
    stage = None
    for instruction, value in instructions:
        if instruction == "FROM":
            base, name = _base(value, before)
            stage = _Stage(copy.deepcopy(named.get(base, Recipe())), build_args, before._arguments)
            if name:
                named[name] = stage.recipe
        elif stage is not None:
            stage.apply(instruction, value)
        elif instruction == "ARG":
            before.apply(instruction, value)
    if stage is None:
        raise ImageError("there is no FROM: a Dockerfile starts with the image that it builds on.")
    return stage.recipe


def _base(value: str, before: _Stage) -> tuple[str, str]:
    _, words = _split_flags(value)
    parts = before._words(words)
    if not parts:
        raise ImageError("a FROM names no image.")
    named = len(parts) == 3 and parts[1].upper() == "AS"
    return parts[0], parts[2] if named else ""


def _split_flags(value: str) -> tuple[set[str], str]:
    flags = set()
    rest = value.strip()
    while rest.startswith("--"):
        flag, _, rest = rest.partition(" ")
        flags.add(flag.partition("=")[0])
        rest = rest.lstrip()
    return flags, rest


def _absolute(workdir: str, path: str) -> str:
    joined = PurePosixPath(workdir) / path
    if ".." in joined.parts:
        raise ImageError(f"the path '{path}' has '..' in it: write the folder that is meant.")
    return str(joined)


def _exec_form(instruction: str, value: str) -> tuple[str, ...]:
    try:
        words = json.loads(value)
    except ValueError:
        words = None
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise ImageError(
            f"'{instruction} {value}' is no JSON list: a shell would start the container and keep "
            f'signals from it, so write {instruction} ["program", "argument"].'
        )
    return tuple(words)


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
            _copy_source(source, destination, into)


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


def _copy_source(source: Path, destination: Path, into: bool) -> None:
    if source.is_dir():
        shutil.copytree(source, destination, dirs_exist_ok=True)
        return
    target = destination / source.name if into else destination
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target)
