"""The arguments of ShardImages."""

from collections.abc import Sequence
from dataclasses import dataclass

from processing.arguments import Parser, at_least_one, share


@dataclass(frozen=True)
class Settings:
    """image_size in pixels; maximum_quarantined_share from 0 to 1, of this host's files."""

    image_size: int
    maximum_quarantined_share: float
    seed: int


def read_settings(arguments: Sequence[str]) -> Settings:
    """Settings of a command line; UserError when one is missing or out of its range."""
    parser = Parser("ShardImages")
    parser.add_argument("--image-size", type=at_least_one, required=True)
    parser.add_argument("--maximum-quarantined-share", type=share, required=True)
    parser.add_argument("--seed", type=int, required=True)
    return Settings(**vars(parser.parse_args(arguments)))
