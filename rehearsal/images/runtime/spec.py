"""What one group of containers is: written by the engine as JSON, read inside the namespaces.

The modules `supervisor` and `container` start with every job, so what they import is the standard
library only.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Mount:
    """Shows the file or folder `source` of the machine at the absolute path `target` in a
    container.
    """

    source: str
    target: str
    writable: bool = False


@dataclass(frozen=True)
class Container:
    """One container: `root` is an empty folder that its file system is put together on."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    workdir: str
    root: str
    mounts: tuple[Mount, ...]


@dataclass(frozen=True)
class Relay:
    """Bridges the Unix socket file `socket` to `port` on the containers' loopback."""

    socket: str
    port: int


@dataclass(frozen=True)
class Group:
    """Containers that share a network and end together.

    Attributes:
        private_network: they have a network with nothing but loopback in it; else the machine's.
        grace_seconds: from SIGTERM to SIGKILL.
        dead_interface: such a network has a second interface, which leads nowhere.
    """

    containers: tuple[Container, ...]
    private_network: bool
    grace_seconds: float
    relay: Relay | None = None
    dead_interface: bool = False


def write(group: Group, path: Path) -> None:
    """Writes a group for `read`; the file is its owner's alone."""
    path.unlink(missing_ok=True)
    # Nobody else's from the start, as it may hold what lets a container act as its role.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(asdict(group), file)


def read(path: Path) -> Group:
    """The group that `write` wrote."""
    value = json.loads(path.read_text(encoding="utf-8"))
    value["containers"] = tuple(_container(each) for each in value["containers"])
    value["relay"] = Relay(**value["relay"]) if value["relay"] else None
    return Group(**value)


def _container(value: dict[str, Any]) -> Container:
    value["command"] = tuple(value["command"])
    value["mounts"] = tuple(Mount(**mount) for mount in value["mounts"])
    return Container(**value)
