"""What jobs of all kinds have in common: they are made, change, and stop in the same way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rehearsal.api import shapes
from rehearsal.api.context import Context, New, Record, now
from rehearsal.api.store import Resource
from rehearsal.backends import Change
from rehearsal.errors import ApiError, in_use, validation
from rehearsal.events import Events

RUNNING = frozenset({"InProgress", "Stopping"})


@dataclass(frozen=True)
class Jobs:
    """Jobs of one kind.

    :param kind: as in ARNs, e.g. "processing-job".
    :param member: what the members of requests and answers begin with, e.g. "ProcessingJob".
    :param tell: sends the event of a job: `Events`' method, given record and tags.
    """

    kind: str
    member: str
    tell: Callable[[Events, Record, dict[str, str]], None]

    def create(self, context: Context, request: Record) -> str:
        """Keeps a new job that is in progress; its ARN.

        :raises ApiError: there is one of that name.
        """
        name = request[f"{self.member}Name"]
        arn = context.arn(f"{self.kind}/{name}")
        time = now()
        record = {key: value for key, value in request.items() if key != "Tags"} | {
            f"{self.member}Arn": arn,
            f"{self.member}Status": "InProgress",
            "CreationTime": time,
            "LastModifiedTime": time,
        }
        context.add(
            New(self.kind, name, arn, record),
            tags=request.get("Tags"),
            duplicate=in_use(
                "Job name must be unique within an AWS account and region, and a job with this "
                f"name already exists ({arn})"
            ),
        )
        self.tell(context.events, record, context.store.tags(arn))
        return arn

    def change(self, context: Context, name: str) -> Change:
        """How the backend tells of a job."""

        def apply(fields: Record) -> None:
            changed = context.store.change(
                self.kind, name, lambda _: fields | {"LastModifiedTime": now()}
            )
            if changed is None:
                return
            before, after = changed
            if before[f"{self.member}Status"] != after[f"{self.member}Status"]:
                self.tell(context.events, after, context.store.tags(after[f"{self.member}Arn"]))

        return apply

    def get(self, context: Context, request: Record) -> Resource:
        """:raises ApiError: there is no such job."""
        return context.get(self.kind, request[f"{self.member}Name"], self._missing(request))

    def describe(self, context: Context, request: Record) -> Record:
        found = self.get(context, request)
        return shapes.project(f"Describe{self.member}Response", found.record)

    def stop(self, context: Context, request: Record, how: Callable[[str], Any]) -> Record:
        """Marks a job as stopping and calls `how` with its ARN; again, nothing happens.

        :raises ApiError: it is over.
        """
        found = self.get(context, request)
        status = found.record[f"{self.member}Status"]
        if status == "Stopping":
            return {}
        if status != "InProgress":
            said = self.kind.replace("-", " ")
            raise validation(f"The request was rejected because the {said} is in status {status}.")
        self.change(context, found.name)({f"{self.member}Status": "Stopping"})
        how(found.arn)
        return {}

    def _missing(self, request: Record) -> ApiError:
        name = request[f"{self.member}Name"]
        return validation(f"Could not find requested job with name: {name}")
