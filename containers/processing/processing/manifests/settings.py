"""The arguments of CreateManifests."""

from argparse import ArgumentTypeError
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from drops.s3_uri import S3Uri
from processing.arguments import Parser, at_least_one, fraction, share
from processing.container import UserError


@dataclass(frozen=True)
class S3Folder:
    """A bucket and a key prefix that ends with a slash."""

    bucket: str
    prefix: str

    @classmethod
    def of(cls, uri: str) -> Self:
        """Reads "s3://bucket/prefix/"."""
        try:
            read = S3Uri.of(uri)
        except ValueError:
            read = None
        if read is None or not read.key.endswith("/"):
            raise ArgumentTypeError("must be s3://<bucket>/<prefix>/")
        return cls(read.bucket, read.key)

    @property
    def uri(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}"


@dataclass(frozen=True)
class Settings:
    """The arguments, checked; architecture.md names them."""

    drops: S3Folder
    lineage: S3Folder
    execution_id: str
    drop_id: str
    validation_fraction: float
    test_fraction: float
    minimum_per_class_and_channel: int
    class_share_drift: float
    seed: int


def read_settings(arguments: Sequence[str]) -> Settings:
    """Settings of a command line; UserError when one is missing or out of its range."""
    parser = Parser("CreateManifests")
    parser.add_argument("--drops", type=S3Folder.of, required=True)
    parser.add_argument("--lineage", type=S3Folder.of, required=True)
    parser.add_argument("--execution-id", required=True)
    parser.add_argument("--drop-id", required=True)
    parser.add_argument("--validation-fraction", type=fraction, required=True)
    parser.add_argument("--test-fraction", type=fraction, required=True)
    parser.add_argument("--minimum-per-class-and-channel", type=at_least_one, required=True)
    parser.add_argument("--class-share-drift", type=share, required=True)
    parser.add_argument("--seed", type=int, required=True)
    settings = Settings(**vars(parser.parse_args(arguments)))
    if settings.validation_fraction + settings.test_fraction >= 1:
        raise UserError(
            f"ValidationFraction {settings.validation_fraction} and TestFraction "
            f"{settings.test_fraction} leave nothing to train on: make their sum less than 1."
        )
    return settings
