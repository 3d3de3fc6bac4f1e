"""What the CDK CLI calls `docker`: builds, tags and pushes images that are folders.

`environment CONTEXT DOCKERFILE` is ours: it prints the path of that image's Python environment,
made if need be.
"""

import fnmatch
import functools
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import click

from rehearsal.images import environments, registry
from rehearsal.images.errors import ImageError
from rehearsal.images.registry import Images
from rehearsal.settings import ANNOUNCEMENT, default_cache

# The output of Docker's own image format: https://docs.docker.com/build/exporters/oci-docker/
_DOCKER_STORE = "type=docker"
_tags_argument = click.argument("tags", nargs=-1, required=True)
_NO_RUN: dict[str, Any] = {
    "multiple": True,
    "expose_value": False,
    "help": "accepted, unused: no RUN is run",
}


@click.group(help=__doc__)
@click.option("--config", expose_value=False, help="accepted, unused: no registry password is kept")
def main() -> None:
    """Ends with status 1 where an image is not there, which the CDK CLI asks for."""


@main.command()
@_tags_argument
def inspect(tags: tuple[str, ...]) -> None:
    """Say whether an image is there."""
    for tag in tags:
        click.echo(_images().by_tag(tag).id)


def _refuse_target(context: click.Context, parameter: click.Parameter, target: Any) -> None:
    if target:
        raise ImageError("The rehearsal builds the last stage of a Dockerfile: leave --target out.")


@main.command()
@click.argument("context", type=click.Path(path_type=Path))
@click.option("--file", default="Dockerfile")
@click.option("--build-arg", "build_args", multiple=True)
@click.option("--tag", required=True)
@click.option("--output", "outputs", multiple=True)
@click.option("--target", expose_value=False, callback=_refuse_target)
@click.option("--platform", expose_value=False, type=click.Choice(["linux/amd64", "linux/arm64"]))
@click.option("--build-context", **_NO_RUN)
@click.option("--secret", **_NO_RUN)
@click.option("--ssh", **_NO_RUN)
@click.option("--network", **_NO_RUN)
@click.option("--cache-from", **_NO_RUN)
@click.option("--cache-to", **_NO_RUN)
@click.option("--no-cache", is_flag=True, expose_value=False)
def build(
    context: Path, file: str, build_args: tuple[str, ...], tag: str, outputs: tuple[str, ...]
) -> None:
    """Lay an image out and make its environment."""
    arguments = dict(value.partition("=")[::2] for value in build_args)
    # What is made is tagged here: that is type=docker.
    if any(output != _DOCKER_STORE for output in outputs):
        raise ImageError(
            "The rehearsal's images are kept as Docker keeps its own: leave --output out, or use "
            f"--output {_DOCKER_STORE}."
        )
    manifest_type = registry.MANIFEST_TYPE if outputs else _manifest_type()
    image = _images().build(context, file, arguments, tag, manifest_type)
    if arguments.get("ACCELERATOR") == "gpu":
        _report(
            "The image is built for ACCELERATOR=gpu: its files are those of the GPU build, and the "
            "rehearsal runs them on this machine's CPU, in the environment of requirements.txt."
        )
    environments.ensure(image.program, cache=_cache(), report=_report)
    _report(f"Built {tag} ({image.id[:12]}).")


def _manifest_type() -> str:
    place = _state() / ANNOUNCEMENT
    announced = json.loads(place.read_text(encoding="utf-8")) if place.exists() else {}
    is_oci = announced.get("oci_images", False)
    return registry.OCI_MANIFEST_TYPE if is_oci else registry.MANIFEST_TYPE


@main.command()
@click.argument("source")
@click.argument("target")
def tag(source: str, target: str) -> None:
    """Give an image one more name."""
    _images().tag(source, target)


@main.command()
@click.option("--format", type=click.Choice(["{{.Repository}}:{{.Tag}}"]), expose_value=False)
@click.option("--filter", "filters", multiple=True)
def images(filters: tuple[str, ...]) -> None:
    """List the names of images."""
    wanted = [text.removeprefix("reference=") for text in filters]
    for name in _images().tags():
        if all(fnmatch.fnmatchcase(name, pattern) for pattern in wanted):
            click.echo(name)


@main.command()
@_tags_argument
def rmi(tags: tuple[str, ...]) -> None:
    """Take names from images."""
    for tag in tags:
        _images().untag(tag)


@main.command()
@click.option("--username", expose_value=False)
@click.option("--password-stdin", is_flag=True, expose_value=False)
@click.argument("endpoint", expose_value=False)
def login() -> None:
    """Do nothing: the rehearsal's ECR takes AWS credentials."""
    # Not the token that the CDK CLI got with them.
    sys.stdin.read()


@main.command()
@click.argument("uri")
def push(uri: str) -> None:
    """Put an image into the rehearsal's ECR."""
    import boto3  # noqa: PLC0415 - the CDK CLI calls all the time, and this takes most of one call

    ecr = boto3.client("ecr", region_name=registry.parse(uri).region)
    digest = registry.push(_images(), uri, ecr)
    _report(f"Pushed {uri} ({digest}).")


@main.command()
@click.argument("context", type=click.Path(path_type=Path))
@click.argument("dockerfile")
def environment(context: Path, dockerfile: str) -> None:
    """Print the path of an image's environment."""
    click.echo(environments.prepare(context, dockerfile, cache=_cache(), report=_report))


def _images() -> Images:
    return Images(_state())


def _state() -> Path:
    value = os.environ.get("REHEARSAL_STATE")
    if not value:
        raise ImageError(
            'REHEARSAL_STATE is not set: run eval "$(./scripts/local-aws env)" in this shell first.'
        )
    return Path(value)


def _cache() -> Path:
    return Path(os.environ.get("REHEARSAL_CACHE") or default_cache())


@functools.cache  # a sentence that is reported again and again is printed once
def _report(line: str) -> None:
    click.echo(line, err=True)


if __name__ == "__main__":
    # An exception, so that a half-made environment and its compilers go too.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        main(prog_name="docker")
    except ImageError as error:
        sys.exit(str(error))
