"""`./scripts/drop DIR`: uploads a folder of class folders as one drop."""

from datetime import UTC, datetime
from pathlib import Path

import boto3
import click
from rich.console import Console

from containers.drops.names import class_label
from infra.names import DROPS_BUCKET_NAME
from scripts import CHANNELS
from scripts.cli import command, environment_option
from scripts.console import CommandError, counted, progress, shown, warn
from scripts.deployed import stacks
from scripts.deployed.pipelines import parameter_default
from scripts.deployed.session import aws_session
from scripts.images.contents import (
    EXAMPLES,
    Contents,
    list_files,
    read_folder,
    shortcomings,
    written_twice,
)
from scripts.images.drops_in_s3 import (
    check_drop_id,
    check_free,
    complete_drops,
    new_drop_id,
    s3_client,
    upload,
)


@command("drop", example="./scripts/drop photos        # photos/cat/1.jpg, photos/dog/2.png, ...")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--id", "drop_id", help="the drop's id (default: the time and a digest of the contents)"
)
@click.option("--skip-unusable", is_flag=True, help="drop the rest where files are no images")
@environment_option
def main(
    console: Console, environment: str, folder: Path, drop_id: str | None, skip_unusable: bool
) -> int:
    """Uploads a folder of class folders with JPEG, PNG or WebP images as one drop.

    Its marker comes last and starts the pipeline.
    """
    if drop_id is not None:
        check_drop_id(drop_id)
    contents = _read(folder, skip_unusable, console)
    session = aws_session()
    bucket = stacks.output(session, environment, "data", DROPS_BUCKET_NAME)
    minimum = images_per_class(session, environment)
    s3 = s3_client(session)

    lacking = shortcomings(contents, folder, minimum)
    if lacking is not None:
        if next(complete_drops(s3, bucket), None) is None:
            raise CommandError(f"{lacking[0].upper()}{lacking[1:]}: add images and drop it again.")
        warn(f"Warning: {lacking}; earlier drops must hold the rest, or this one will wait.")
    drop_id = drop_id or new_drop_id(contents.images, datetime.now(UTC))
    check_free(s3, bucket, drop_id, contents.images)

    with progress(console, "Uploaded", len(contents.images)) as done:
        upload(s3, bucket, drop_id, contents.images, done)
    console.print(f"Dropped {_summary(contents)} as {drop_id} into s3://{bucket}/drops/{drop_id}/.")
    option = "" if environment == "dev" else f" --environment {environment}"
    console.print(f"Next: ./scripts/watch --drop {drop_id}{option}")
    return 0


def images_per_class(session: boto3.Session, environment: str) -> int:
    """How many different images a class needs: the deployed pipeline's minimum in each channel."""
    pipeline = stacks.output(session, environment, "training", "PipelineName")
    return len(CHANNELS) * int(parameter_default(session, pipeline, "MinimumPerClassAndChannel"))


def _read(folder: Path, skip_unusable: bool, console: Console) -> Contents:
    listing = list_files(folder)
    if listing.ignored:
        some = ", ".join(shown(name) for name in listing.ignored[:EXAMPLES])
        more = " ..." if len(listing.ignored) > EXAMPLES else ""
        console.print(f"Ignored, as hidden or in no class folder: {some}{more}")
    contents = read_folder(listing, folder, console, skip_unusable=skip_unusable)
    for label in written_twice(contents.labels):
        warn(
            f"Warning: class folders of {shown(folder)} have the name {shown(label)!r} in two ways "
            "(an accented letter as one character or as two): they are one class."
        )
    for file in contents.unusable:
        warn(f"Skipped: {shown(file.name)} {file.reason}")
    if not contents.images:
        raise CommandError(
            f"The class folders in {shown(folder)} hold no images: put JPEG, PNG or WebP files "
            "into them."
        )
    return contents


def _summary(contents: Contents) -> str:
    labels = {class_label(image.name.partition("/")[0]) for image in contents.images}
    size = sum(image.size for image in contents.images)
    images = counted(len(contents.images), "image")
    return f"{images} of {counted(len(labels), 'class', 'classes')}, {size:,} bytes,"
