"""Which of the job's hosts this is."""

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Host:
    """A host's name, its index among the sorted hosts, and how many there are."""

    name: str
    index: int
    count: int

    @property
    def shard(self) -> str:
        """What a file name tells of this host's shard: "00000-of-00002"."""
        return f"{self.index:05d}-of-{self.count:05d}"


def read_host(root: Path) -> Host:
    """Reads `root`/config/resourceconfig.json.

    https://docs.aws.amazon.com/sagemaker/latest/dg/build-your-own-processing-container.html
    """
    config = json.loads((root / "config" / "resourceconfig.json").read_text(encoding="utf-8"))
    hosts = sorted(config["hosts"])
    return Host(config["current_host"], hosts.index(config["current_host"]), len(hosts))
