"""Images are pinned by their content."""

import re
from collections.abc import Iterator
from typing import Any

from infra.rules.expressions import beginning, is_expression
from infra.rules.finding import Finding
from infra.rules.jobs import Job

# A digest, or the tag that the CDK gives an image asset: the SHA-256 of what it is built from.
# https://docs.aws.amazon.com/cdk/v2/guide/assets.html
_PINNED = re.compile(r"(@sha256:|:)[0-9a-f]{64}$")


def of_job(job: Job) -> Iterator[Finding]:
    if job.image_path:
        yield from _pinned(job.name, job.image_path, job.argument(job.image_path))


def of_model(name: str, step: dict[str, Any]) -> Iterator[Finding]:
    """The images of a model package or a model."""
    arguments = step["Arguments"]
    specification = arguments.get("InferenceSpecification", arguments)
    containers = [*specification.get("Containers", [])]
    if primary := arguments.get("PrimaryContainer"):
        containers.append(primary)
    for number, container in enumerate(containers):
        yield from _pinned(name, f"Containers[{number}].Image", container.get("Image"))


def _pinned(subject: str, path: str, image: Any) -> Iterator[Finding]:
    if is_expression(image):
        wrong = "the image is known only when the execution starts: pin it in the definition"
    elif not _PINNED.search(beginning(image)):
        wrong = (
            f"'{image}' may be another image tomorrow: pin it by a digest or by the hash of what "
            "it is built from"
        )
    else:
        return
    yield Finding(subject, "pinned-image", path, wrong)
