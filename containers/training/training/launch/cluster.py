"""The hosts of a job, and which rank works where."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from training.errors import UserError


@dataclass(frozen=True)
class Cluster:
    """The hosts as `resourceconfig.json` tells them; the first one holds the rendezvous.

    https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html
    """

    hosts: tuple[str, ...]
    current_host: str
    network_interface: str

    @property
    def leader(self) -> str:
        return self.hosts[0]

    @property
    def others(self) -> list[str]:
        return [host for host in self.hosts if host != self.current_host]

    @property
    def leads(self) -> bool:
        return self.current_host == self.leader


def read_cluster(file: Path) -> Cluster:
    """:raises UserError: the file is not there or lacks something."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        # SageMaker promises no order; every host must agree on who is first.
        hosts = sorted(content["hosts"], key=lambda host: (len(host), host))
        cluster = Cluster(tuple(hosts), content["current_host"], content["network_interface_name"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"The hosts of the job cannot be read from {file}: {error!r}.") from error
    if cluster.current_host not in cluster.hosts:
        raise UserError(
            f"{file} names the current host {cluster.current_host!r}, which is none of the job's "
            f"hosts {', '.join(cluster.hosts)}."
        )
    return cluster
