"""How `unshare` (util-linux) is called to start a process in namespaces of its own."""

import fcntl
import functools
import os
import shutil
import socket
import struct
import subprocess
import sys
from pathlib import Path

# <linux/sockios.h>, <linux/if.h>
_SIOCSIFFLAGS = 0x8914
_SIOCSIFADDR = 0x8916
_SIOCSIFNETMASK = 0x891C
_SIOCBRADDBR = 0x89A0
_IFF_UP = 1

DEAD = "eth0"
"""The name of a dead interface: the one that a program takes which looks for none but loopback."""
DEAD_ADDRESS = "169.254.255.18"
"""Its address, as one of a host of SageMaker was seen: nobody answers at its network."""
_DEAD_NETMASK = "255.255.0.0"


def bring_up(name: str) -> None:
    """Turns a network interface on."""
    _control(_SIOCSIFFLAGS, struct.pack("16sh14x", name.encode(), _IFF_UP))


def add_dead() -> None:
    """Adds an interface that is up, has a link-local address, and leads nowhere.

    Raises:
        OSError: the kernel refuses, e.g. as it has no bridges.
    """
    # A bridge without a port: unlike veth it has no second end, and kernels have it without dummy.
    _control(_SIOCBRADDBR, struct.pack("16s", DEAD.encode()))
    for operation, address in ((_SIOCSIFADDR, DEAD_ADDRESS), (_SIOCSIFNETMASK, _DEAD_NETMASK)):
        # An `ifreq` with a `sockaddr_in`.
        packed = socket.inet_aton(address)
        _control(operation, struct.pack("16sHH4s16x", DEAD.encode(), socket.AF_INET, 0, packed))
    bring_up(DEAD)


def _control(operation: int, request: bytes) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, operation, request)


# The user becomes root of a user namespace: what lets one who isn't root have the other namespaces.
_AS_USER = ["--user", "--map-root-user"]


class NamespaceError(Exception):
    """One sentence: why this machine gives no namespaces, and what to enable."""


def group(private_network: bool) -> list[str]:
    """The command's start for a group of containers.

    Raises:
        NamespaceError: the machine gives no namespaces.
    """
    network = ["--net"] if private_network else []
    return ["unshare", *_user(), "--fork", "--pid", "--kill-child", "--mount-proc", *network, "--"]


def container() -> list[str]:
    """The command's start for one container of a group."""
    kinds = ["--mount", "--uts", "--ipc", "--pid"]
    return ["unshare", *kinds, "--fork", "--kill-child", "--"]


def module(name: str, *arguments: str) -> list[str]:
    """The command that runs one of this repository's modules; `environment` makes it found."""
    return [sys.executable, "-P", "-m", name, *arguments]


def environment() -> dict[str, str]:
    """The variables for `module`."""
    repository = Path(__file__).resolve().parents[3]
    return {"PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": str(repository)}


@functools.cache
def _user() -> list[str]:
    if shutil.which("unshare") is None:
        raise NamespaceError(
            "Jobs run in Linux namespaces, and there is no `unshare` on PATH: install util-linux "
            "on a Linux machine."
        )
    if os.geteuid() == 0 and not _refused([]):
        return []
    refused = _refused(_AS_USER)
    if refused:
        raise NamespaceError(
            f"Jobs run in Linux namespaces, and this machine refuses them ({refused}): allow them "
            "with `sysctl -w kernel.apparmor_restrict_unprivileged_userns=0` (Ubuntu) or "
            "`sysctl -w user.max_user_namespaces=10000`, or inside Docker with `--privileged`."
        )
    return _AS_USER


def _refused(user: list[str]) -> str:
    kinds = ["--fork", "--pid", "--kill-child", "--mount-proc", "--net", "--uts", "--ipc"]
    tried = subprocess.run(
        ["unshare", *user, *kinds, "--", "true"], capture_output=True, text=True, check=False
    )
    if tried.returncode == 0:
        return ""
    return tried.stderr.strip().removeprefix("unshare: ") or f"status {tried.returncode}"
