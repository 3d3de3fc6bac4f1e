"""What ShardImages is told: its arguments, and which of the job's hosts this is."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from processing.common.arguments import Parser, at_least_one, share

COMPRESSIONS = ("none", "gzip")


@dataclass(frozen=True)
class Settings:
    """The arguments, checked.

    Attributes:
        image_size: pixels.
        maximum_quarantined_share: from 0 to 1, of this host's files.
        memory_megabytes: for files and pixels held at a time, beside about 150 for the program
            itself.
    """

    image_size: int
    maximum_quarantined_share: float
    compression: str
    memory_megabytes: int
    seed: int

    @property
    def suffix(self) -> str:
        """What a shard's file name ends with."""
        return ".tfrecord.gz" if self.compression == "gzip" else ".tfrecord"


def read_settings(arguments: Sequence[str]) -> Settings:
    """Settings of a command line.

    Raises:
        UserError: one is missing or out of its range.
    """
    parser = Parser("ShardImages")
    parser.add_argument("--image-size", type=at_least_one, required=True)
    parser.add_argument("--maximum-quarantined-share", type=share, required=True)
    parser.add_argument("--compression", choices=COMPRESSIONS, required=True)
    parser.add_argument("--memory-megabytes", type=at_least_one, required=True)
    parser.add_argument("--seed", type=int, required=True)
    return Settings(**vars(parser.parse_args(arguments)))


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
