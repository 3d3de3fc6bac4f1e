"""What is read of the events that start the function.

A marker and drift's request are recorded. The end of an execution, the schedule and a release only
wake it: what follows is read from the table and from SageMaker.
"""

from datetime import datetime
from typing import Any, TypedDict

from . import names
from .records import Marker

Event = TypedDict("Event", {"detail-type": str, "time": str, "detail": dict[str, Any]})
"""https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html and
https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html
"""

MARKER = "Object Created"
EXECUTION = "SageMaker Model Building Pipeline Execution Status Change"
SCHEDULE = "Scheduled Event"
RETRAINING = "Retraining Requested"
"""Of drift: `detail` has `Id` (`drift/<model package group>/<version>`) and `PipelineName`."""
RELEASE = "Run Released"
"""Of `./scripts/drops --release`: `detail` has `By`, the ARN of who typed it."""
_PARTS = 3  # drops/<drop id>/_SUCCESS


def refusal(key: str) -> str:
    """Why an object with a marker's name is no drop's marker: a sentence; empty where it is one."""
    parts = key.split("/")
    if len(parts) != _PARTS:
        return "A drop's marker is drops/<drop id>/_SUCCESS: write it there."
    return names.refusal_of_drop_id(parts[1])


def marker(event: Event) -> Marker:
    """The marker that was written, of an object that `refusal` says nothing against."""
    # EventBridge carries a key as it is, where an S3 notification would have URL-encoded it.
    written = event["detail"]["object"]
    return Marker(
        drop_id=written["key"].split("/")[1],
        written=time(event),
        etag=written["etag"],
        sequencer=_comparable(written["sequencer"]),
        version_id=written.get("version-id", ""),
        size=written.get("size", 0),
    )


def time(event: Event) -> datetime:
    return datetime.fromisoformat(event["time"])


def _comparable(sequencer: str) -> str:
    """S3 has the shorter one padded with zeros, and then compared letter by letter.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
    """
    return sequencer.upper().ljust(32, "0")
