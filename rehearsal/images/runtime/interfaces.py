"""Network interfaces of the namespace that this process is in, by ioctl: netdevice(7)."""

from __future__ import annotations

import fcntl
import socket
import struct

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
    """Raises:
    OSError: the kernel refuses, e.g. as there is no interface of that name.
    """
    _control(_SIOCSIFFLAGS, struct.pack("16sh14x", name.encode(), _IFF_UP))


def add_dead() -> None:
    """Adds an interface that is up, has a link-local address, and leads nowhere.

    Raises:
        OSError: the kernel refuses, e.g. as it has no bridges.
    """
    # A bridge without a port: unlike veth it has no second end, and kernels have it without dummy.
    _control(_SIOCBRADDBR, struct.pack("16s", DEAD.encode()))
    _control(_SIOCSIFADDR, _request(DEAD, DEAD_ADDRESS))
    _control(_SIOCSIFNETMASK, _request(DEAD, _DEAD_NETMASK))
    bring_up(DEAD)


def _request(name: str, address: str) -> bytes:
    """An `ifreq` with a `sockaddr_in`."""
    packed = socket.inet_aton(address)
    return struct.pack("16sHH4s16x", name.encode(), socket.AF_INET, 0, packed)


def _control(operation: int, request: bytes) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, operation, request)
