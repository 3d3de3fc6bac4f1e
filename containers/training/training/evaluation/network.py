"""The network interface, which processing jobs are not told, as training jobs are."""

from __future__ import annotations

import ipaddress
import json
import socket
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]

from training.errors import UserError

_KEY = "network_interface_name"


def with_interface(resource_config: Path, folder: Path) -> Path:
    """`resourceconfig.json` itself, or where it names no interface, a copy in `folder` that does.

    :raises UserError: the current host has no address on this machine.
    """
    try:
        content = json.loads(resource_config.read_text(encoding="utf-8"))
        host = content["current_host"]
        if _KEY in content:
            return resource_config
    except (OSError, ValueError, KeyError, TypeError):
        # Whoever reads the hosts says what is wrong.
        return resource_config
    folder.mkdir(parents=True, exist_ok=True)
    completed = folder / resource_config.name
    completed.write_text(json.dumps(content | {_KEY: interface_of(host)}), encoding="utf-8")
    return completed


def interface_of(host: str) -> str:
    """The interface in whose network the host's address lies.

    :raises UserError: there is none.
    """
    try:
        address = ipaddress.ip_address(socket.gethostbyname(host))
    except OSError as error:
        raise UserError(
            f"This host's name, {host}, has no address ({error}): look into /etc/hosts."
        ) from error
    interfaces: dict[str, Any] = psutil.net_if_addrs()
    for name, addresses in interfaces.items():
        for found in addresses:
            if found.family == socket.AF_INET and found.netmask:
                network = ipaddress.ip_interface(f"{found.address}/{found.netmask}").network
                if address in network:
                    return name
    raise UserError(
        f"No network interface of this host has the address {address} of {host}: look into "
        "/etc/hosts."
    )
