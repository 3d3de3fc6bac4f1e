"""What ShardImages is told: its arguments, and which of the job's hosts this is."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from processing.common.arguments import Parser, at_least_one, percentage, share
from processing.shards.encoding import NAMES, SUBSAMPLINGS, Encoding


@dataclass(frozen=True)
class Settings:
    """The arguments, checked.

    Attributes:
        image_size: pixels.
        maximum_quarantined_share: from 0 to 1, of this host's files.
        memory_megabytes: for files and pixels held at a time, beside about 150 for the program
            itself.
        file_megabytes: that a file has reached when it ends.
    """

    image_size: int
    maximum_quarantined_share: float
    encoding: Encoding
    memory_megabytes: int
    file_megabytes: int
    seed: int


def read_settings(arguments: Sequence[str]) -> Settings:
    """Settings of a command line.

    Raises:
        UserError: one is missing or out of its range.
    """
    parser = Parser("ShardImages")
    parser.add_argument("--image-size", type=at_least_one, required=True)
    parser.add_argument("--maximum-quarantined-share", type=share, required=True)
    parser.add_argument("--encoding", choices=NAMES, required=True)
    parser.add_argument("--jpeg-quality", type=percentage, required=True)
    parser.add_argument("--jpeg-subsampling", choices=SUBSAMPLINGS, required=True)
    parser.add_argument("--memory-megabytes", type=at_least_one, required=True)
    parser.add_argument("--file-megabytes", type=at_least_one, required=True)
    parser.add_argument("--seed", type=int, required=True)
    given = vars(parser.parse_args(arguments))
    encoding = Encoding(
        given.pop("encoding"), given.pop("jpeg_quality"), given.pop("jpeg_subsampling")
    )
    return Settings(encoding=encoding, **given)


@dataclass(frozen=True)
class Host:
    """A host's name, its index among the sorted hosts, and how many there are."""

    name: str
    index: int
    count: int

    @property
    def shard(self) -> str:
        """What a file's name tells of its host: "00000-of-00002"."""
        return f"{self.index:05d}-of-{self.count:05d}"


def read_host(root: Path) -> Host:
    """Reads `root`/config/resourceconfig.json.

    https://docs.aws.amazon.com/sagemaker/latest/dg/build-your-own-processing-container.html
    """
    config = json.loads((root / "config" / "resourceconfig.json").read_text(encoding="utf-8"))
    hosts = sorted(config["hosts"])
    return Host(config["current_host"], hosts.index(config["current_host"]), len(hosts))
