"""What jobs of all kinds have in common: they are made, change, and stop in the same way."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from rehearsal.backends import Change
from rehearsal.errors import ApiError, in_use, validation
from rehearsal.resources.context import Context, Record
from rehearsal.resources.kind import ResourceKind
from rehearsal.service_model import now

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
class JobKind(ResourceKind):
    """Jobs of one kind.

    Attributes:
        has_secondary: whether it has a SecondaryStatus, and its transitions.
    """

    missing: str = "Could not find requested job with name: {name}"
    duplicate: str = (
        "Job name must be unique within an AWS account and region, and a job with this name "
        "already exists ({arn})"
    )
    duplicate_error: Callable[[str], ApiError] = in_use
    has_secondary: bool = False

    @property
    def status(self) -> str:
        """The member that is its status, e.g. `ProcessingJobStatus`."""
        return f"{self.member}Status"

    def start(
        self,
        context: Context,
        request: Record,
        start: Callable[[str, Change], None],
        more: Record | None = None,
    ) -> Record:
        """Keeps a new job that is in progress, has the backend start it, and returns its ARN.

        Args:
            start: starts it, given its ARN and how to tell of it.
            more: further members of its record.

        Raises:
            ApiError: there is one of that name.
        """
        more = {self.status: "InProgress"} | (more or {})
        if self.has_secondary:
            transitions = [_transition("Starting", now())]
            more = {_SECONDARY: "Starting", f"{_SECONDARY}Transitions": transitions} | more
        with context.store.transaction():
            record = self.create(context, request, more)
            self._send_event(context, record)
        name, arn = record[self.name_member], record[f"{self.member}Arn"]
        change = self.change_callback(context, name)
        try:
            start(arn, change)
        except Exception as error:
            # Nobody runs it, so nobody would ever say that it has ended.
            self.fail(context, name, f"InternalServerError: {error}")
            raise
        found = context.store.get(self.kind, name)
        if found is not None and found.record[self.status] == "Stopping":
            # It was stopped before the backend knew it.
            context.jobs.stop(arn)
        return {f"{self.member}Arn": arn}

    def arn(self, context: Context, name: str) -> str:
        """As SageMaker has written them: in lower case in its older answers."""
        return super().arn(
            context, name.lower() if context.settings.modes.lower_case_arns else name
        )

    def change_callback(self, context: Context, name: str) -> Change:
        """How the backend tells of a job. What comes after its end is dropped."""

        def change(fields: Record) -> None:
            with context.store.transaction():
                changed = context.store.change(
                    self.kind, name, lambda record: self._merge(record, fields)
                )
                if changed is None:
                    return
                before, after = changed
                watched = (self.status, _SECONDARY)
                if any(before.get(member) != after.get(member) for member in watched):
                    self._send_event(context, after)

        return change

    def fail(self, context: Context, name: str, reason: str) -> None:
        """Marks a job as failed that runs no more."""
        end = f"{self.member.removesuffix('Job')}EndTime"
        fields = {self.status: "Failed", "FailureReason": reason, end: now()}
        secondary = {_SECONDARY: "Failed"} if self.has_secondary else {}
        self.change_callback(context, name)(fields | secondary)

    def stop(self, context: Context, request: Record) -> Record:
        """The Stop operation; of one that is being stopped, nothing happens.

        Raises:
            ApiError: it is over.
        """
        with context.store.transaction():
            found = self.get(context, request[self.name_member])
            status = found.record[self.status]
            if status == "Stopping":
                return {}
            if status != "InProgress":
                raise validation(
                    f"The request was rejected because the {self._words} is in status {status}."
                )
            secondary = {_SECONDARY: "Stopping"} if self.has_secondary else {}
            self.change_callback(context, found.name)({self.status: "Stopping"} | secondary)
        context.jobs.stop(found.arn)
        return {}

    def delete(self, context: Context, request: Record) -> Record:
        """The Delete operation.

        Raises:
            ApiError: it runs.
        """
        with context.store.transaction():
            found = self.get(context, request[self.name_member])
            if found.record[self.status] in RUNNING:
                raise in_use(f"The {self._words} {found.arn} runs: stop it first.")
            return super().delete(context, request)

    @property
    def _words(self) -> str:
        return self.kind.replace("-", " ")

    def _send_event(self, context: Context, record: Record) -> None:
        arn = record[f"{self.member}Arn"]
        detail_type = f"SageMaker {self._words.title()} State Change"
        detail, tags = self.project(record), context.store.tags(arn)
        context.events.send_description(detail_type, detail, arn, tags)

    def _merge(self, record: Record, fields: Record) -> Record:
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
