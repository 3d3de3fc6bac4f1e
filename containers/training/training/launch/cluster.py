"""The hosts of a job, where they reach each other, and what their workers run.

"Hostname information may not be immediately available to the algorithm container. We recommend
adding a retry policy on hostname resolution", says
https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html;
AWS's own toolkits try for 15 minutes, and so does this. A job of one host asks for no name at all:
where it is isolated from the network, its own may never have an address.
"""

import ipaddress
import json
import logging
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]

from training.common.container import Stop, UserError


@dataclass(frozen=True)
class Cluster:
    """The hosts as `resourceconfig.json` tells them; the first one holds the rendezvous.

    https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html

    Attributes:
        network_interface: as told; processing jobs are told none.
    """

    hosts: tuple[str, ...]
    current_host: str
    network_interface: str | None = None

    @property
    def leader(self) -> str:
        """The host that holds the rendezvous."""
        return self.hosts[0]

    @property
    def others(self) -> list[str]:
        """All hosts but this one."""
        return [host for host in self.hosts if host != self.current_host]

    @property
    def leads(self) -> bool:
        """Whether this host is the leader."""
        return self.current_host == self.leader


def read_cluster(file: Path) -> Cluster:
    """The hosts of `resourceconfig.json`.

    Raises:
        UserError: the file is not there or lacks something.
    """
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        current, names = content["current_host"], content["hosts"]
        if not isinstance(names, list) or not all(isinstance(host, str) for host in names):
            raise TypeError
    except OSError as error:
        raise UserError(
            f"The hosts of the job cannot be read from {file}: {error.strerror}."
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"The hosts of the job cannot be read from {file}: it has to be a JSON object with "
            "current_host, a name, and hosts, a list of names."
        ) from error
    # SageMaker promises no order; every host must agree on who is first.
    hosts = tuple(sorted(set(names), key=lambda host: (len(host), host)))
    if current not in hosts:
        raise UserError(
            f"{file} names the current host {current!r}, which is none of the job's "
            f"hosts {', '.join(hosts)}."
        )
    interface = content.get("network_interface_name")
    return Cluster(hosts, current, interface if isinstance(interface, str) else None)


@dataclass(frozen=True)
class Program:
    """A module with a function `work(root)`, which each worker calls after `hvd.init`'s variables
    are set.

    Attributes:
        module: its name.
        root: SageMaker's `/opt/ml`.
        resource_config: where `resourceconfig.json` lies.
        failure: the file that says why the job failed.
    """

    module: str
    root: Path
    resource_config: Path
    failure: Path
    workers_per_host: int


PATIENCE_SECONDS = 900.0
"""How long a host's name may take to have an address, and a host to start after the first one."""
_LOOK_SECONDS = 1.0
_TELL_SECONDS = 30.0
_LOOPBACK = "127.0.0.1"
# Any port: nothing is sent.
_ROUTE_PORT = 9

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Addresses:
    """IPv4 addresses as one host sees them.

    Attributes:
        leader: where the first host holds the rendezvous.
        own: where this host's workers listen, and all other hosts reach them.
        interface: the network interface that has `own`.
    """

    leader: str
    own: str
    interface: str


def find_addresses(cluster: Cluster, stop: Stop, patience: float = PATIENCE_SECONDS) -> Addresses:
    """Waits so many seconds for this host's own name and the leader's to have an address.

    Raises:
        UserError: a name has none in time, or no address of this host reaches the others.
        Stopped: the job was asked to stop.
    """
    if len(cluster.hosts) == 1:
        return Addresses(_LOOPBACK, _LOOPBACK, _interface_of(_LOOPBACK))
    found = _wait(cluster, stop, patience)
    peer = found.get(cluster.others[0]) if cluster.leads else found[cluster.leader]
    own = _own(found[cluster.current_host], peer)
    leader = own if cluster.leads else found[cluster.leader]
    logger.info(
        "%s has the address %s; %s leads at %s.", cluster.current_host, own, cluster.leader, leader
    )
    return Addresses(leader, own, _interface_of(own))


def _wait(cluster: Cluster, stop: Stop, patience: float) -> dict[str, str]:
    """Host to address."""
    began = time.monotonic()
    logged = began - _TELL_SECONDS
    found: dict[str, str] = {}
    while True:
        missing = _look_up_missing(cluster, found)
        if not missing:
            return found
        waited = time.monotonic() - began
        names = " and ".join(missing)
        if waited > patience:
            raise UserError(
                f"{cluster.current_host} waited {patience:.0f} s, and {names} still had no "
                "address: look whether DNS works in the job's VPC; a processing job that is "
                "isolated from the network may have none, so give it one host or no isolation."
            )
        if time.monotonic() - logged >= _TELL_SECONDS:
            logged = time.monotonic()
            logger.info(
                "%s waits for the address of %s (%.0f s of %.0f s).",
                *(cluster.current_host, names, waited, patience),
            )
        stop.pause(min(_LOOK_SECONDS, patience))


def _look_up_missing(cluster: Cluster, found: dict[str, str]) -> list[str]:
    """Adds the addresses that names have by now; gives the names that have none."""
    while True:
        missing = [host for host in _needed(cluster, found) if host not in found]
        new = {host: address for host in missing if (address := _look_up(host))}
        if not new:
            return missing
        found |= new


def _needed(cluster: Cluster, found: Mapping[str, str]) -> list[str]:
    names = [cluster.leader, cluster.current_host]
    if cluster.leads and _is_loopback(found.get(cluster.current_host, "")):
        # An /etc/hosts that says so is wrong, unless the others are on this machine too.
        names.append(cluster.others[0])
    return list(dict.fromkeys(names))


def _look_up(host: str) -> str | None:
    """The host's address, preferably one that is not link-local; None while it has none."""
    try:
        entries = socket.getaddrinfo(host, None, socket.AF_INET, socket.SOCK_STREAM)
    except OSError:
        return None
    found = [str(entry[4][0]) for entry in entries]
    return min(found, key=_is_link_local, default=None)


def _own(named: str, peer: str | None) -> str:
    """The address that this host's name has, where it is one that a peer reaches, else the one from
    which the peer is reached.

    Raises:
        UserError: there is neither.
    """
    as_far = peer is None or _is_loopback(named) == _is_loopback(peer)
    if as_far and not _is_link_local(named) and _is_here(named):
        return named
    reason = "no other host is known"
    if peer is not None:
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as route:
                route.connect((peer, _ROUTE_PORT))
                return str(route.getsockname()[0])
        except OSError as error:
            reason = f"{peer}: {error.strerror}"
    raise UserError(
        f"No network interface of this host has its address {named}, nor one from which the other "
        f"hosts are reached ({reason}): look into the job's network."
    )


def _is_here(address: str) -> bool:
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
            listener.bind((address, 0))
    except OSError:
        return False
    return True


def _interface_of(address: str) -> str:
    """The interface that has the address, or all of its network, as loopback has; "" for none."""
    wanted, around = ipaddress.ip_address(address), ""
    interfaces: dict[str, Any] = psutil.net_if_addrs()
    for name, entries in interfaces.items():
        for entry in entries:
            if entry.family != socket.AF_INET or not entry.netmask:
                continue
            if entry.address == address:
                return name
            if wanted in ipaddress.ip_interface(f"{entry.address}/{entry.netmask}").network:
                around = around or name
    return around


def _is_loopback(address: str) -> bool:
    return address.startswith("127.")


def _is_link_local(address: str) -> bool:
    return address.startswith("169.254.")
