"""`./scripts/invoke IMAGE...`: asks the endpoint what images show."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from botocore.exceptions import ClientError
from rich.console import Console

from containers.drops.formats import HEAD_BYTES, format_of
from scripts.cli import command, environment_option
from scripts.console import CommandError, complain, shown
from scripts.deployed import stacks
from scripts.deployed.session import aws_session

if TYPE_CHECKING:
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient


@command("invoke", example="./scripts/invoke photos/cat/1.jpg photos/dog/2.png")
@click.argument(
    "images", metavar="IMAGE...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option("--json", "as_json", is_flag=True, help="one JSON object a line, whole answers")
@environment_option
def main(console: Console, environment: str, images: tuple[Path, ...], as_json: bool) -> int:
    """Asks the endpoint what each image, a JPEG, PNG or WebP file, shows.

    The exit status is 1 where one got no answer.
    """
    session = aws_session()
    endpoint = stacks.output(session, environment, "serving", "EndpointName")
    runtime = session.client("sagemaker-runtime")
    status = 0
    for image in images:
        try:
            answer = ask(runtime, endpoint, image)
        except CommandError as error:
            status = complain(str(error))
            continue
        if as_json:
            # Not through rich: a JSON line must stay one line in a terminal too.
            print(json.dumps({"image": shown(image), **answer}, ensure_ascii=False))
        else:
            console.print(f"{shown(image)}: {shown(answer['label'])} ({answer['probability']:.1%})")
    return status


def ask(runtime: "SageMakerRuntimeClient", endpoint: str, image: Path) -> dict[str, Any]:
    """The endpoint's answer about one image; CommandError where there is none."""
    body = _read(image)
    try:
        answer = runtime.invoke_endpoint(
            EndpointName=endpoint,
            ContentType=content_type(body, image),
            Accept="application/json",
            Body=body,
        )
    except ClientError as error:
        raise CommandError(_why_refused(error, endpoint, image)) from error
    found: dict[str, Any] = json.loads(answer["Body"].read())
    return found


def content_type(body: bytes, image: Path) -> str:
    """By the file's first bytes: names lie. Raises CommandError where it is none of these."""
    kind = format_of(body[:HEAD_BYTES])
    if kind is None:
        raise CommandError(f"{shown(image)} is no JPEG, PNG or WebP image: give another file.")
    return kind.content_type


def _read(image: Path) -> bytes:
    try:
        return image.read_bytes()
    except OSError as error:
        raise CommandError(f"{shown(image)} cannot be read ({error.strerror}).") from error


def _why_refused(error: ClientError, endpoint: str, image: Path) -> str:
    said = error.response["Error"]
    if said["Code"] == "ModelError":
        # The container's own answer: {"error": "<sentence>"}.
        original = str(error.response.get("OriginalMessage", said["Message"]))
        return f"The endpoint refused {shown(image)}: {_sentence(original)}"
    if said["Code"] == "ValidationError" and "not found" in said["Message"].lower():
        return f"The endpoint {endpoint} is not there yet: ./scripts/approve deploys a model to it."
    return f"The endpoint {endpoint} did not answer: {said['Message']} ({said['Code']})."


def _sentence(original: str) -> str:
    try:
        return str(json.loads(original)["error"])
    except (ValueError, TypeError, KeyError):
        return original
