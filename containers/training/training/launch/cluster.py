"""The hosts of a job, which rank works where, and what the workers run."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from training.common.container import UserError


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
        current, told = content["current_host"], content["hosts"]
        if not isinstance(told, list) or not all(isinstance(host, str) for host in told):
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
    hosts = tuple(sorted(set(told), key=lambda host: (len(host), host)))
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

    def cluster(self) -> Cluster:
        """The hosts of the job.

        Raises:
            UserError: see `read_cluster`.
        """
        return read_cluster(self.resource_config)
