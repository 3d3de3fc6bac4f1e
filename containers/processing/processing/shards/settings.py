"""The arguments of ShardImages."""

from collections.abc import Sequence
from dataclasses import dataclass

from processing.arguments import Parser, at_least_one, share

COMPRESSIONS = ("none", "gzip")


@dataclass(frozen=True)
class Settings:
    """The arguments, checked.

    image_size: pixels. maximum_quarantined_share: from 0 to 1, of this host's files.
    memory_megabytes: for files and pixels held at a time, beside about 150 for the program itself.
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

    @property
    def memory_bytes(self) -> int:
        return self.memory_megabytes << 20


def read_settings(arguments: Sequence[str]) -> Settings:
    """Settings of a command line; UserError when one is missing or out of its range."""
    parser = Parser("ShardImages")
    parser.add_argument("--image-size", type=at_least_one, required=True)
    parser.add_argument("--maximum-quarantined-share", type=share, required=True)
    parser.add_argument("--compression", choices=COMPRESSIONS, required=True)
    parser.add_argument("--memory-megabytes", type=at_least_one, required=True)
    parser.add_argument("--seed", type=int, required=True)
    return Settings(**vars(parser.parse_args(arguments)))
