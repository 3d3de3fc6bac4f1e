"""What jobs of all kinds have in common: they are made, change, and stop in the same way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rehearsal import service_model
from rehearsal.backends import Change
from rehearsal.errors import in_use, validation
from rehearsal.events import Events
from rehearsal.resources.context import Context, New, Record
from rehearsal.service_model import now
from rehearsal.store import Resource

RUNNING = frozenset({"InProgress", "Stopping"})
_SECONDARY = "SecondaryStatus"
# Of a job that is being stopped, what its backend says before it has heard of that.
_OVERTAKEN = frozenset({"Starting", "Downloading", "Training", "Interrupted"})

# API_SecondaryStatusTransition names those of Starting and Training. The others are from the
# output of AWS's SDK, but those of Interrupted and of the limits, which are from memory.
_MESSAGES = {
    "Starting": "Preparing the instances for training",
    "Downloading": "Downloading input data",
    "Training": "Training image download completed. Training in progress.",
    "Interrupted": "Training job interrupted",
    "Uploading": "Uploading generated training model",
    "Stopping": "Stopping the training job",
    "Completed": "Training job completed",
    "Failed": "Training job failed",
    "Stopped": "Training job stopped",
    "MaxRuntimeExceeded": "Training job runtime exceeded MaxRuntimeInSeconds provided",
    "MaxWaitTimeExceeded": "Training job wait time exceeded MaxWaitTimeInSeconds provided",
}
_LAST = frozenset({"Completed", "Failed", "Stopped", "MaxRuntimeExceeded", "MaxWaitTimeExceeded"})


@dataclass(frozen=True)
class Jobs:
    """Jobs of one kind.

    Attributes:
        kind: as in ARNs, e.g. "processing-job".
        member: what the members of requests and answers begin with, e.g. "ProcessingJob".
        tell: sends the event of a job: `Events`' method, given record and tags.
        is_secondary: whether it has a SecondaryStatus, and its transitions.
        missing: what AWS says of a job that is not there, with `{name}`.
        duplicate: what it says of a name that was used, with `{arn}`.
    """

    kind: str
    member: str
    tell: Callable[[Events, Record, dict[str, str]], None]
    is_secondary: bool = False
    missing: str = "Could not find requested job with name: {name}"
    duplicate: str = (
        "Job name must be unique within an AWS account and region, and a job with this name "
        "already exists ({arn})"
    )

    @property
    def status(self) -> str:
        return f"{self.member}Status"

    def create(
        self,
        context: Context,
        request: Record,
        start: Callable[[str, Change], None],
        stop: Callable[[str], None],
        more: Record | None = None,
    ) -> str:
        """Keeps a new job that is in progress, and has the backend start it; its ARN.

        Args:
            more: further members of its record.

        Raises:
            ApiError: there is one of that name.
        """
        name = request[f"{self.member}Name"]
        arn = self._arn(context, name)
        time = now()
        record = {key: value for key, value in request.items() if key != "Tags"} | {
            f"{self.member}Arn": arn,
            self.status: "InProgress",
            "CreationTime": time,
            "LastModifiedTime": time,
        }
        if self.is_secondary:
            record |= {
                _SECONDARY: "Starting",
                f"{_SECONDARY}Transitions": [_transition("Starting", time)],
            }
        record |= more or {}
        with context.store.transaction():
            duplicate = in_use(self.duplicate.format(arn=arn))
            context.add(
                New(self.kind, name, arn, record), tags=request.get("Tags"), duplicate=duplicate
            )
            self.tell(context.events, record, context.store.tags(arn))
        self._start(context, name, arn, start, stop)
        return arn

    def _arn(self, context: Context, name: str) -> str:
        """As SageMaker has written them: in lower case in its older answers."""
        shown = name.lower() if context.settings.modes.lower_case_arns else name
        return context.arn(f"{self.kind}/{shown}")

    def _start(
        self,
        context: Context,
        name: str,
        arn: str,
        start: Callable[[str, Change], None],
        stop: Callable[[str], None],
    ) -> None:
        change = self.change(context, name)
        try:
            start(arn, change)
        except Exception as error:
            # Nobody runs it, so nobody would ever say that it has ended.
            self.fail(context, name, f"InternalServerError: {error}")
            raise
        found = context.store.get(self.kind, name)
        if found is not None and found.record[self.status] == "Stopping":
            # It was stopped before the backend knew it.
            stop(arn)

    def change(self, context: Context, name: str) -> Change:
        """How the backend tells of a job. What comes after its end is dropped."""

        def apply(fields: Record) -> None:
            with context.store.transaction():
                changed = context.store.change(
                    self.kind, name, lambda record: self._merged(record, fields)
                )
                if changed is None:
                    return
                before, after = changed
                watched = (self.status, _SECONDARY)
                if any(before.get(member) != after.get(member) for member in watched):
                    self.tell(context.events, after, context.store.tags(after[f"{self.member}Arn"]))

        return apply

    def fail(self, context: Context, name: str, reason: str) -> None:
        """Marks a job as failed that runs no more."""
        kind = self.member.removesuffix("Job")
        fields = {self.status: "Failed", "FailureReason": reason, f"{kind}EndTime": now()}
        secondary = {_SECONDARY: "Failed"} if self.is_secondary else {}
        self.change(context, name)(fields | secondary)

    def get(self, context: Context, request: Record) -> Resource:
        """Raises:
        ApiError: there is no such job.
        """
        name = request[f"{self.member}Name"]
        return context.get(self.kind, name, validation(self.missing.format(name=name)))

    def describe(self, context: Context, request: Record) -> Record:
        found = self.get(context, request)
        return service_model.project(f"Describe{self.member}Response", found.record)

    def stop(self, context: Context, request: Record, how: Callable[[str], Any]) -> Record:
        """Marks a job as stopping and calls `how` with its ARN; again, nothing happens.

        Raises:
            ApiError: it is over.
        """
        with context.store.transaction():
            found = self.get(context, request)
            status = found.record[self.status]
            if status == "Stopping":
                return {}
            if status != "InProgress":
                raise validation(
                    f"The request was rejected because the {self._said} is in status {status}."
                )
            secondary = {_SECONDARY: "Stopping"} if self.is_secondary else {}
            self.change(context, found.name)({self.status: "Stopping"} | secondary)
        how(found.arn)
        return {}

    def delete(self, context: Context, request: Record) -> Record:
        """Raises:
        ApiError: it runs.
        """
        with context.store.transaction():
            found = self.get(context, request)
            if found.record[self.status] in RUNNING:
                raise in_use(f"The {self._said} {found.arn} runs: stop it first.")
            context.store.delete(self.kind, found.name)
        return {}

    @property
    def _said(self) -> str:
        return self.kind.replace("-", " ")

    def _merged(self, record: Record, fields: Record) -> Record:
        status = record[self.status]
        if status not in RUNNING:
            return {}
        time = now()
        merged = fields | {"LastModifiedTime": time}
        secondary = fields.get(_SECONDARY)
        if status == "Stopping" and secondary in _OVERTAKEN:
            merged[_SECONDARY] = record[_SECONDARY]
        elif secondary and secondary != record.get(_SECONDARY):
            earlier: list[Record] = record.get(f"{_SECONDARY}Transitions", [])
            ended = [{"EndTime": time} | transition for transition in earlier]
            merged[f"{_SECONDARY}Transitions"] = [*ended, _transition(secondary, time)]
        return merged


def _transition(status: str, time: datetime) -> Record:
    end = {"EndTime": time} if status in _LAST else {}
    return {"Status": status, "StartTime": time, "StatusMessage": _MESSAGES[status]} | end
