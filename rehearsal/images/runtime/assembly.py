"""From an image to a container: its command, its variables and what it sees where."""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from rehearsal.images.registry import Image
from rehearsal.images.runtime.spec import Container, Mount

# The container's own, not the machine's.
_TEMPORARY = "/tmp"  # noqa: S108 - a container's own folder
_PRIVATE = (_TEMPORARY, "/var/tmp")  # noqa: S108 - likewise


def command(
    image: Image, entrypoint: Sequence[str] | None, arguments: Sequence[str] | None
) -> tuple[str, ...]:
    """What `docker run` makes of an image's ENTRYPOINT and CMD and of those given: an entry point
    that is given leaves the image's CMD out.
    """
    if entrypoint:
        return (*entrypoint, *(arguments or ()))
    return (*image.config.entrypoint, *(arguments or image.config.command))


@dataclass(frozen=True)
class Run:
    """What a container runs.

    Attributes:
        hosts: the names of its whole group, which find each other from the start.
        linked: absolute paths at which it finds, and can't write, what `linked` tells the place of.
    """

    command: Sequence[str]
    variables: Mapping[str, str]
    hosts: Sequence[str]
    linked: Sequence[str] = ()


def linked(folder: Path, path: str) -> Path:
    """Where that lies which the container of `folder` finds, read-only, at the absolute `path`: not
    below what it may write, as its files may be links to somebody else's.
    """
    return folder / "linked" / path.lstrip("/")


def container(image: Image, environment: Path, name: str, folder: Path, what: Run) -> Container:
    """The container `name` that runs `what`, with the Python `environment`.

    What it sees as `/opt/ml` is `folder/ml`, as `/tmp` `folder/tmp`: its own, and what it may
    write.
    """
    for own in ("ml", "root", "tmp", "var"):
        (folder / own).mkdir(parents=True, exist_ok=True)
    for shared in ("tmp", "var"):
        (folder / shared).chmod(0o1777)
    names = f"127.0.0.1 localhost\n{_names(what.hosts)}"
    (folder / "hosts").write_text(names, encoding="ascii")
    mounts = [
        Mount(str(image.program), image.config.workdir),
        *_mounts_of(image.root, image, PurePosixPath("/")),
        Mount(str(folder / "ml"), "/opt/ml", writable=True),
        *(Mount(str(linked(folder, path)), path) for path in what.linked),
        *(
            Mount(str(folder / own), target, writable=True)
            for own, target in zip(("tmp", "var"), _PRIVATE, strict=True)
        ),
        Mount(str(folder / "hosts"), "/etc/hosts"),
        *_still_needed(environment),
    ]
    return Container(
        name=name,
        command=tuple(what.command),
        environment=_variables(image, environment, name, what.variables),
        workdir=image.config.workdir,
        root=str(folder / "root"),
        mounts=tuple(mounts),
    )


def name_hosts(folder: Path, hosts: Sequence[str]) -> None:
    """The container of `folder` finds the hosts of its group from now on, also if it runs."""
    # What is mounted is this very file: it is written on, and no other takes its place.
    with (folder / "hosts").open("a", encoding="ascii") as file:
        file.write(_names(hosts))


def _names(hosts: Sequence[str]) -> str:
    """Each host has a loopback address of its own."""
    return "".join(f"127.0.0.{number} {host}\n" for number, host in enumerate(hosts, start=2))


def _variables(
    image: Image, environment: Path, name: str, variables: Mapping[str, str]
) -> dict[str, str]:
    own = dict(image.config.environment)
    own["PATH"] = f"{environment / 'bin'}{os.pathsep}{own['PATH']}"
    return {"HOME": _TEMPORARY, "LANG": "C.UTF-8", "HOSTNAME": name} | own | dict(variables)


def _mounts_of(folder: Path, image: Image, shown: PurePosixPath) -> Iterator[Mount]:
    for entry in sorted(folder.iterdir()):
        target = shown / entry.name
        if entry == image.program:
            continue
        if entry.is_file():
            yield Mount(str(entry), str(target))
        elif Path(target).exists() or entry in image.program.parents:
            yield from _mounts_of(entry, image, target)
        else:
            yield Mount(str(entry), str(target))


def _still_needed(environment: Path) -> Iterator[Mount]:
    """What the container runs on, where its own `/tmp` would hide it."""
    for needed in {str(environment), sys.base_prefix}:
        if any(Path(needed).is_relative_to(folder) for folder in _PRIVATE):
            yield Mount(needed, needed)
