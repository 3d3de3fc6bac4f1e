"""What events and the table say of drops and runs, and how they say it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self, TypedDict

from . import names

Event = TypedDict("Event", {"detail-type": str, "time": str, "detail": dict[str, Any]})
"""Starts the function.

A marker and drift's request are recorded. The end of an execution, the schedule and a release only
wake it: what follows is read from the table and from SageMaker.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html and
https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html
"""


DROP, RUN, RELEASE = "drop", "run", "release"
"""Kinds of items."""
WAITING, STARTING, REFUSED = "Waiting", "Starting", "Refused"
UNUSED, WITHDRAWN = "Unused", "Withdrawn"
"""Drops of which a run that succeeded used nothing: not fit, and not there any more."""
ENDED = frozenset({"Succeeded", "Failed", "Stopped"})
UNSUCCESSFUL = frozenset({"Failed", "Stopped"})
"""SageMaker's words for executions, and three of our own before there is one."""
LEFT = UNSUCCESSFUL | {UNUSED}
"""Drops that the next run covers too, if one begins."""


class StarterError(Exception):
    """What needs a person, in one sentence: what is wrong, where, what to do."""


class RefusedError(Exception):
    """SageMaker will never start this: one sentence with its words."""


def to_text(time: datetime) -> str:
    """A time as items have it: of one length and zone, as DynamoDB compares text by letters."""
    return time.astimezone(UTC).isoformat(timespec="microseconds")


def time_of(event: Event) -> datetime:
    """When what it tells of happened."""
    return datetime.fromisoformat(event["time"])


def to_sort_key(number: int) -> str:
    """A run's number as items have it: of one length, as DynamoDB sorts text by letters."""
    return f"{number:08}"


def refusal_of_key(key: str) -> str:
    """Why an object with a marker's name is no drop's marker: a sentence; empty where it is one."""
    parts = key.split("/")
    if len(parts) != 3:  # drops/<drop id>/_SUCCESS
        return "A drop's marker is drops/<drop id>/_SUCCESS: write it there."
    return names.refusal_of_drop_id(parts[1])


def is_drift(drop_id: str) -> bool:
    """Whether drift asks, and no drop."""
    return "/" in drop_id


@dataclass(frozen=True)
class Marker:
    """A drop's marker as S3 tells of it.

    Attributes:
        written: When S3 had it.
        sequencer: S3's order of the events of one key; empty where a listing found the marker.
        size: Bytes.
    """

    drop_id: str
    written: datetime
    etag: str
    sequencer: str = ""
    version_id: str = ""
    size: int = 0

    @classmethod
    def from_event(cls, event: Event) -> Self:
        """The marker that was written, of an object that `refusal_of_key` says nothing against."""
        # EventBridge carries a key as it is, where an S3 notification would have URL-encoded it.
        written = event["detail"]["object"]
        return cls(
            drop_id=written["key"].split("/")[1],
            written=time_of(event),
            etag=written["etag"],
            # S3 has the shorter one padded with zeros, and then compared letter by letter.
            # https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
            sequencer=written["sequencer"].upper().ljust(32, "0"),
            version_id=written.get("version-id", ""),
            size=written.get("size", 0),
        )


@dataclass(frozen=True)
class DropStatus:
    """What became of a drop; the reason is a sentence, or empty."""

    state: str
    reason: str = ""


@dataclass(frozen=True)
class Drop:
    """What asks for a run: a complete drop, or drift as `drift/<model package group>/<version>`.

    Attributes:
        since: When its marker was written, or drift asked.
        generation: How often it has begun to wait; a run covers one generation of it. 0 of a
            marker that was refused.
        run_number: Of the newest run that covers it; 0 where none does. Of a drop that changed and
            waits again it is the run before.
        reason: Why it has its state, in a sentence; empty where its run says it.
    """

    id: str
    state: str
    since: datetime
    generation: int = 0
    run_number: int = 0
    reason: str = ""

    @property
    def waits(self) -> bool:
        """Whether it is to have a run that it has not yet."""
        return self.state == WAITING

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Self:
        """Reads an item of the kind `drop`, as boto3's resource gives it."""
        return cls(
            id=item["Id"],
            state=item["State"],
            since=datetime.fromisoformat(item["Since"]),
            generation=int(item.get("Generation", 0)),
            run_number=int(item.get("Run", 0)),
            reason=item.get("Reason", ""),
        )


@dataclass(frozen=True)
class Run:
    """One execution that drops are to have, from before it is started.

    Attributes:
        number: From 1, without gaps.
        drop_id: Its parameter DropId.
        drops: Generations of the drops that it covers, by id: all were recorded before it started.
        token: SageMaker's ClientRequestToken.
        status: The execution's, or Starting.
        execution_arn: Empty before it is started.
        released_by: ARN of whoever let it begin, where that took a person.
        modified: When the execution was last changed, as SageMaker says; the later one counts.
        filed: `modified` of the status that the drops have been given; None before that.
        reason: Why it failed, or could not be started.
    """

    number: int
    drop_id: str
    drops: dict[str, int]
    token: str
    created: datetime
    status: str = STARTING
    execution_arn: str = ""
    released_by: str = ""
    modified: str = ""
    filed: str | None = None
    reason: str = ""
    model_package_arn: str = ""

    @property
    def is_given_up(self) -> bool:
        """Whether SageMaker refused it for good: it has no execution and will have none."""
        return not self.execution_arn and self.status in UNSUCCESSFUL

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Self:
        """Reads an item of the kind `run`, as boto3's resource gives it."""
        return cls(
            number=int(item["Id"]),
            drop_id=item["DropId"],
            drops={drop_id: int(generation) for drop_id, generation in item["Drops"].items()},
            token=item["Token"],
            created=datetime.fromisoformat(item["Created"]),
            status=item["Status"],
            execution_arn=item["PipelineExecutionArn"],
            released_by=item["ReleasedBy"],
            modified=item["Modified"],
            filed=item.get("Filed"),
            reason=item["Reason"],
            model_package_arn=item["ModelPackageArn"],
        )

    def to_item(self) -> dict[str, Any]:
        """The item of a run that is new, and so open."""
        return {
            "Kind": RUN,
            "Id": to_sort_key(self.number),
            "DropId": self.drop_id,
            "Drops": self.drops,
            "Token": self.token,
            "Created": to_text(self.created),
            "Open": to_text(self.created),
            "Status": self.status,
            "PipelineExecutionArn": self.execution_arn,
            "ReleasedBy": self.released_by,
            "Modified": self.modified,
            "Reason": self.reason,
            "ModelPackageArn": self.model_package_arn,
        }


@dataclass(frozen=True)
class History:
    """Runs as the guards look at them.

    Attributes:
        newest: Number of the last run; 0 where there was none.
        alone: Runs of the last 24 hours that no person released.
    """

    newest: int = 0
    alone: int = 0


@dataclass(frozen=True)
class Execution:
    """An execution as SageMaker describes it."""

    arn: str
    status: str
    modified: str
    reason: str = ""
    model_package_arn: str = ""


@dataclass(frozen=True)
class Outcome:
    """What a look came to.

    Attributes:
        waiting: Drops that wait.
        runs: Numbers of the runs that are not over.
        held: Why what waits has no run yet; empty where it has or nothing waits.
        is_held_by_guard: Whether a person is needed.
        given_up: Drops of runs that SageMaker refused for good at this look.
    """

    waiting: int = 0
    runs: list[int] = field(default_factory=list)
    held: str = ""
    is_held_by_guard: bool = False
    given_up: int = 0
