"""What the endpoint answered, as captured data in S3 says.

Its files are `<prefix>yyyy/mm/dd/hh/<minute-second-millisecond>-<id>.jsonl`, in UTC, with the lines
of SageMaker's data capture. The answers in them are those of this project's inference container.
https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture-endpoint.html
"""

import base64
import json
import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectTypeDef

logger = logging.getLogger(__name__)

# A function of 256 MB has about a seventh of a core: this much is read in some minutes.
MAXIMUM_FILES = 10_000
MAXIMUM_BYTES = 128 * 2**20
# Traffic may be rare; what is older tells nothing about now.
MAXIMUM_HOURS = 168


@dataclass
class Tally:
    """What was counted of the answers of one model package.

    Attributes:
        labels: answers by the label that they gave.
        of_other_models: answers of other model packages, which are not in `labels`.
        unreadable: lines with no answer in JSON that names its labels and its model package.
    """

    model_package_arn: str
    labels: Counter[str] = field(default_factory=Counter)
    of_other_models: int = 0
    unreadable: int = 0

    @property
    def predictions(self) -> int:
        """All answers of the model package."""
        return self.labels.total()

    def add(self, line: bytes) -> None:
        """Counts the answers of one line, of which a batch has several."""
        try:
            package, labels = _read(line)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            self.unreadable += 1
            return
        if package == self.model_package_arn:
            self.labels.update(labels)
        else:
            self.of_other_models += len(labels)


def _read(line: bytes) -> tuple[str, list[str]]:
    output = json.loads(line)["captureData"]["endpointOutput"]
    answer = json.loads(_content(output))
    package = answer["model_package_arn"]
    predictions = answer.get("predictions", [answer])
    labels = [prediction["label"] for prediction in predictions]
    if not isinstance(package, str) or not all(isinstance(label, str) for label in labels):
        raise TypeError(package, labels)
    return package, labels


def _content(output: Mapping[str, Any]) -> str | bytes:
    """The answer's text, in Base64 where the capture was not told that it is JSON."""
    data: str = output["data"]
    return base64.b64decode(data, validate=True) if output["encoding"] == "BASE64" else data


@dataclass(frozen=True)
class Folder:
    """Where one variant's captured data lies; `prefix` ends with a slash."""

    bucket: str
    prefix: str


@dataclass(frozen=True)
class Window:
    """How far back to look: for `hours`, and on from there until there are `predictions`."""

    hours: int
    predictions: int


@dataclass
class Extent:
    """What was read.

    Attributes:
        since: the beginning of the oldest hour that was looked into.
        is_whole: whether nothing of those hours was left out for being too much.
    """

    since: datetime
    files: int = 0
    bytes: int = 0
    is_whole: bool = True


def count_newest(
    client: "S3Client", folder: Folder, tally: Tally, window: Window, now: datetime
) -> Extent:
    """Adds the lines of the newest files to `tally`, streaming.

    It looks back hour by hour for `window.hours` at least and MAXIMUM_HOURS at most, and stops
    before a file that would make it more than MAXIMUM_FILES or MAXIMUM_BYTES.
    """
    hour = now.replace(minute=0, second=0, microsecond=0)
    extent = Extent(since=hour)
    # The hour that has begun is looked into besides.
    for back in range(max(window.hours, MAXIMUM_HOURS) + 1):
        if back > window.hours and tally.predictions >= window.predictions:
            break
        extent.since = hour - timedelta(hours=back)
        if not _count_hour(client, folder, extent.since, tally, extent):
            extent.is_whole = False
            logger.warning(
                "Only the newest %s files (%s bytes) of s3://%s/%s are counted; the rest is more "
                "than a comparison reads.",
                extent.files,
                extent.bytes,
                folder.bucket,
                folder.prefix,
            )
            break
    return extent


def _count_hour(
    client: "S3Client", folder: Folder, hour: datetime, tally: Tally, extent: Extent
) -> bool:
    """Whether all files of an hour could be counted, the newest first."""
    prefix = f"{folder.prefix}{hour:%Y/%m/%d/%H}/"
    for found in reversed(list(_files(client, folder.bucket, prefix))):
        size = found["Size"]
        if extent.files + 1 > MAXIMUM_FILES or extent.bytes + size > MAXIMUM_BYTES:
            return False
        for line in _lines(client, folder.bucket, found["Key"]):
            tally.add(line)
        extent.files += 1
        extent.bytes += size
    return True


def _files(client: "S3Client", bucket: str, prefix: str) -> Iterator["ObjectTypeDef"]:
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    for page in pages:
        yield from (found for found in page.get("Contents", []) if found["Key"].endswith(".jsonl"))


def _lines(client: "S3Client", bucket: str, key: str) -> Iterator[bytes]:
    body = client.get_object(Bucket=bucket, Key=key)["Body"]
    yield from (line for line in body.iter_lines(chunk_size=2**16) if line.strip())
