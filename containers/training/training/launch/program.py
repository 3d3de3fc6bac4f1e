"""What the workers of a job run, and where its host's files lie."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from training.launch.cluster import Cluster, read_cluster


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
        """Raises:
        UserError: see `read_cluster`.
        """
        return read_cluster(self.resource_config)
