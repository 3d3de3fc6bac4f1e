"""What the CDK CLI calls `docker`: builds, tags and pushes images that are folders.

`environment CONTEXT DOCKERFILE` is ours: it prints the path of that image's Python environment,
made if need be.
"""

import argparse
import fnmatch
import json
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import boto3

from rehearsal.images import environments, registry
from rehearsal.images.errors import ImageError, cache_folder, state_folder
from rehearsal.images.registry import Images
from rehearsal.settings import ANNOUNCEMENT

# What `docker inspect` ends with when there is no such image; the CDK CLI asks for it.
_NOT_FOUND = 1
# The output of Docker's own image format: https://docs.docker.com/build/exporters/oci-docker/
_DOCKER_STORE = "type=docker"


def main(arguments: list[str]) -> int:
    """Does what the command line says; returns the exit status."""
    signal.signal(signal.SIGTERM, _end)
    options = _parser().parse_args(arguments)
    try:
        status: int = options.run(options)
    except ImageError as error:
        print(error, file=sys.stderr)
        return _NOT_FOUND
    return status


def _end(number: int, frame: FrameType | None) -> None:
    # An exception, so that a half-made environment and its compilers go too.
    sys.exit(128 + number)


def _inspect(options: argparse.Namespace) -> int:
    for tag in options.tags:
        print(Images(state_folder()).by_tag(tag).id)
    return 0


def _build(options: argparse.Namespace) -> int:
    build_args = dict(value.partition("=")[::2] for value in options.build_arg)
    _refuse(options)
    image = Images(state_folder()).build(
        Path(options.context), options.file, build_args, options.tag, _manifest_type(options)
    )
    if build_args.get("ACCELERATOR") == "gpu":
        _report(
            "The image is built for ACCELERATOR=gpu: its files are those of the GPU build, and the "
            "rehearsal runs them "
            "on this machine's CPU, in the environment of requirements.txt."
        )
    environments.ensure(image.program, cache=cache_folder(), report=_report)
    _report(f"Built {options.tag} ({image.id[:12]}).")
    return 0


def _manifest_type(options: argparse.Namespace) -> str:
    place = state_folder() / ANNOUNCEMENT
    announced = json.loads(place.read_text(encoding="utf-8")) if place.exists() else {}
    is_oci = announced.get("oci_images", False) and _DOCKER_STORE not in options.output
    return registry.OCI_MANIFEST_TYPE if is_oci else registry.MANIFEST_TYPE


def _refuse(options: argparse.Namespace) -> None:
    # What it makes is tagged here: that is type=docker.
    if any(output != _DOCKER_STORE for output in options.output):
        raise ImageError(
            "The rehearsal's images are kept as Docker keeps its own: leave --output out, or use "
            f"--output {_DOCKER_STORE}."
        )
    if options.target:
        raise ImageError("The rehearsal builds the last stage of a Dockerfile: leave --target out.")
    if options.platform not in (None, "linux/amd64", "linux/arm64"):
        raise ImageError(
            f"The platform {options.platform} is unknown: use linux/amd64 or linux/arm64."
        )


def _tag(options: argparse.Namespace) -> int:
    Images(state_folder()).tag(options.source, options.target)
    return 0


def _images(options: argparse.Namespace) -> int:
    wanted = [text.removeprefix("reference=") for text in options.filter]
    for tag in Images(state_folder()).tags():
        if all(fnmatch.fnmatchcase(tag, pattern) for pattern in wanted):
            print(tag)
    return 0


def _rmi(options: argparse.Namespace) -> int:
    for tag in options.tags:
        Images(state_folder()).untag(tag)
    return 0


def _login(options: argparse.Namespace) -> int:
    # The credentials that reach ECR here are AWS's own, not the token that the CDK CLI got with
    # them.
    sys.stdin.read()
    return 0


def _push(options: argparse.Namespace) -> int:
    place = registry.parse(options.tag)
    ecr = boto3.client("ecr", region_name=place.region)
    digest = registry.push(Images(state_folder()), options.tag, ecr)
    _report(f"Pushed {options.tag} ({digest}).")
    return 0


def _environment(options: argparse.Namespace) -> int:
    environment = environments.prepare(
        Path(options.context), options.dockerfile, cache=cache_folder(), report=_report
    )
    print(environment)
    return 0


def _report(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="docker", description=__doc__, allow_abbrev=False)
    parser.add_argument("--config", help="accepted, unused: no registry password is kept")
    commands = parser.add_subparsers(required=True)

    inspect = commands.add_parser("inspect", help="say whether an image is there")
    inspect.add_argument("tags", nargs="+")
    inspect.set_defaults(run=_inspect)

    _add_build(commands.add_parser("build", help="lay an image out and make its environment"))

    tag = commands.add_parser("tag", help="give an image one more name")
    tag.add_argument("source")
    tag.add_argument("target")
    tag.set_defaults(run=_tag)

    images = commands.add_parser("images", help="list the names of images")
    images.add_argument("--format", choices=["{{.Repository}}:{{.Tag}}"])
    images.add_argument("--filter", action="append", default=[])
    images.set_defaults(run=_images)

    rmi = commands.add_parser("rmi", help="take names from images")
    rmi.add_argument("tags", nargs="+")
    rmi.set_defaults(run=_rmi)

    _add_registry_commands(commands)

    environment = commands.add_parser(
        "environment", help="print the path of an image's environment"
    )
    environment.add_argument("context")
    environment.add_argument("dockerfile")
    environment.set_defaults(run=_environment)
    return parser


def _add_registry_commands(commands: Any) -> None:
    login = commands.add_parser(
        "login", help="do nothing: the rehearsal's ECR takes AWS credentials"
    )
    login.add_argument("--username")
    login.add_argument("--password-stdin", action="store_true")
    login.add_argument("endpoint")
    login.set_defaults(run=_login)

    push = commands.add_parser("push", help="put an image into the rehearsal's ECR")
    push.add_argument("tag")
    push.set_defaults(run=_push)


def _add_build(build: argparse.ArgumentParser) -> None:
    build.add_argument("--build-arg", action="append", default=[])
    build.add_argument("--tag", required=True)
    build.add_argument("--file", default="Dockerfile")
    build.add_argument("--platform")
    build.add_argument("--target")
    build.add_argument("--output", action="append", default=[])
    for unused in (
        "--build-context",
        "--secret",
        "--ssh",
        "--network",
        "--cache-from",
        "--cache-to",
    ):
        build.add_argument(unused, action="append", help="accepted, unused: no RUN is run")
    build.add_argument("--no-cache", action="store_true")
    build.add_argument("context")
    build.set_defaults(run=_build)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
