"""The arguments of CreateManifests."""

from argparse import ArgumentTypeError
from collections.abc import Sequence
from dataclasses import dataclass

from drops.s3_uri import S3Uri
from processing.common.arguments import Parser, at_least_one, fraction, share
from processing.common.container import UserError


@dataclass(frozen=True)
class Settings:
    """The arguments, checked: what the step of the pipeline gives."""

    drops: S3Uri
    lineage: S3Uri
    execution_id: str
    drop_id: str
    validation_fraction: float
    test_fraction: float
    minimum_per_class_and_channel: int
    class_share_drift: float
    seed: int


def folder(text: str) -> S3Uri:
    """An address of S3 whose key is a prefix that ends with a slash: "s3://bucket/prefix/"."""
    try:
        read = S3Uri.parse(text)
    except ValueError:
        read = None
    if read is None or not read.key.endswith("/"):
        raise ArgumentTypeError("must be s3://<bucket>/<prefix>/")
    return read


def read_settings(arguments: Sequence[str]) -> Settings:
    """Settings of a command line.

    Raises:
        UserError: one is missing or out of its range.
    """
    parser = Parser("CreateManifests")
    parser.add_argument("--drops", type=folder, required=True)
    parser.add_argument("--lineage", type=folder, required=True)
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
