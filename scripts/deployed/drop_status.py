"""What became of drops: the table's word, and what S3 has that the table does not know."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import boto3

from functions.starter.records import REFUSED, WAITING
from infra.names import ARTIFACTS_BUCKET_NAME, DROPS, DROPS_BUCKET_NAME, MARKER
from scripts.console import counted
from scripts.deployed import stacks, trigger
from scripts.deployed.trigger import Drop, Record, begun_without_a_person
from scripts.images.drops_in_s3 import drop_ids, is_complete, s3_client

INCOMPLETE, UNRECORDED = "Incomplete", "Unrecorded"
LARGEST_MARKER = 10_000_000  # bytes of JSON that are read to count what a drop holds


@dataclass(frozen=True)
class DropStatus:
    """One drop.

    Attributes:
        since: when its marker was written, in UTC; empty where there is none.
        state: SageMaker's word for the run's execution, or Waiting, Starting, Refused, Incomplete
            (no marker), Unrecorded (a marker of which no event has told yet), Unused (its run
            succeeded without it), Withdrawn (it was deleted before its run).
        released_by: who let the run begin, where that took a person.
        objects: None, as `bytes`, where neither its run nor its marker tells.
        left_out: files that its run did not use; None where no run tells.
        put_aside: images that ShardImages could not decode; None where nobody asked.
    """

    drop: str
    since: str
    state: str
    run: int | None = None
    execution_arn: str = ""
    model_package_arn: str = ""
    released_by: str = ""
    reason: str = ""
    objects: int | None = None
    bytes: int | None = None
    left_out: int | None = None
    put_aside: int | None = None


class DropStatuses:
    """Of the drops of one environment."""

    def __init__(self, session: boto3.Session, environment: str) -> None:
        outputs = stacks.outputs_of(stacks.describe(session, environment, "data"))
        self._s3 = s3_client(session)
        self._bucket = outputs[DROPS_BUCKET_NAME]
        self._artifacts = outputs.get(ARTIFACTS_BUCKET_NAME, "")
        self._session = session
        self._environment = environment
        self._record = Record(session, environment)
        self._dataset = cache(self._read_dataset)

    @property
    def folder(self) -> str:
        """Where the drops lie."""
        return f"s3://{self._bucket}/{DROPS}"

    def all(self) -> list[DropStatus]:
        """Those that are not on record first, and then the newest first."""
        recorded = self._record.drops()
        why = self._why_they_wait() if any(d.state == WAITING for d in recorded) else ""
        known = {drop.id for drop in recorded}
        others = (
            drop_id
            for drop_id in drop_ids(self._s3, self._bucket)
            if known.isdisjoint({drop_id, f"{DROPS}{drop_id}/{MARKER}"})
        )
        return [*self._unrecorded(others), *(_status(drop, why) for drop in recorded)]

    def one(self, drop_id: str) -> DropStatus | None:
        """None where it is neither on record nor in S3."""
        drop = self._record.drop(drop_id or f"{DROPS}/{MARKER}")
        if drop is not None:
            return _status(drop, self._why_they_wait() if drop.state == WAITING else "")
        found = self._s3.list_objects_v2(
            Bucket=self._bucket, Prefix=f"{DROPS}{drop_id}/", MaxKeys=1
        )
        return next(self._unrecorded([drop_id] if found.get("KeyCount") else []), None)

    def sized(self, status: DropStatus) -> DropStatus:
        """With what its run's dataset says that it holds, or else its marker's index."""
        used = self._used(status)
        if used is not None:
            return replace(
                status,
                objects=used["objects"],
                bytes=used["bytes"],
                left_out=used.get("left_out"),
                reason=status.reason or " ".join(used.get("warnings", [])),
            )
        sizes = self._by_marker(status)
        return replace(status, objects=sizes[0], bytes=sizes[1]) if sizes else status

    def with_put_aside(self, status: DropStatus) -> DropStatus:
        """With how many of its images made no record, and why the first did not."""
        if not status.execution_arn or not status.objects:
            return status
        execution_id = status.execution_arn.rpartition("/")[2]
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._artifacts, Prefix=f"lineage/{execution_id}/quarantine/"
        )
        lines = [
            json.loads(line)
            for key in pages.search("Contents[].Key || `[]`")
            for line in (self._read(self._artifacts, key) or b"").splitlines()
        ]
        mine = [line for line in lines if line["key"].startswith(f"{status.drop}/")]
        if not mine:
            return replace(status, put_aside=0)
        first = min(mine, key=lambda line: str(line["key"]))
        name = json.dumps(first["key"].partition("/")[2], ensure_ascii=False)
        told = f"{counted(len(mine), 'image')} put aside (first: {name} {first['reason']})."
        return replace(status, put_aside=len(mine), reason=f"{status.reason} {told}".strip())

    def _unrecorded(self, ids: Any) -> Iterator[DropStatus]:
        for drop_id in ids:
            state = UNRECORDED
            reason = "No event has told of its marker yet: the starter looks every 15 minutes."
            if not is_complete(self._s3, self._bucket, drop_id):
                state = INCOMPLETE
                reason = f"It has no marker {DROPS}{drop_id}/{MARKER} yet: nothing uses it."
            yield DropStatus(drop_id, "", state, reason=reason)

    def _why_they_wait(self) -> str:
        runs = self._record.runs()
        if any(run.status in {"Starting", "Executing", "Stopping"} for run in runs):
            return "An execution runs: this drop goes into the next one."
        begun = begun_without_a_person(runs)
        allowed = trigger.executions_per_day(self._session, self._environment)
        if allowed and begun >= allowed:
            return (
                f"{begun} runs began in the last 24 hours, and {allowed} may "
                "without a person: ./scripts/drops --release lets the next one begin."
            )
        return "Its run is about to begin."

    def _used(self, status: DropStatus) -> dict[str, Any] | None:
        """What its run's dataset says of the drop."""
        if not status.execution_arn:
            return None
        drops = self._dataset(status.execution_arn.rpartition("/")[2])
        return next((drop for drop in drops if drop["id"] == status.drop), None)

    def _read_dataset(self, execution_id: str) -> list[dict[str, Any]]:
        content = self._read(self._artifacts, f"lineage/{execution_id}/dataset.json")
        included: list[dict[str, Any]] = json.loads(content)["included_drops"] if content else []
        return included

    def _by_marker(self, status: DropStatus) -> tuple[int, int] | None:
        content = self._read(self._bucket, f"{DROPS}{status.drop}/{MARKER}")
        try:
            files = json.loads(content)["files"] if content else None
            return (len(files), sum(file["size"] for file in files)) if files else None
        except (ValueError, LookupError, TypeError):
            return None

    def _read(self, bucket: str, key: str) -> bytes | None:
        """None where it is not there or too large."""
        listed = self._s3.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1)
        for found in listed.get("Contents", []):
            if found["Key"] == key and found["Size"] <= LARGEST_MARKER:
                return self._s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        return None


def _status(drop: Drop, why_it_waits: str) -> DropStatus:
    since = f"{drop.since:%Y-%m-%d %H:%M:%S}"
    status = DropStatus(drop.id, since, drop.state, reason=drop.reason)
    if drop.state == WAITING:
        return replace(status, reason=why_it_waits)
    if drop.state == REFUSED or drop.run is None:
        return status
    run, reason = drop.run, drop.run.reason
    if drop.state in {"Failed", "Stopped"}:
        next_steps = "./scripts/watch --drop tells why; the next drop's run covers this one too."
        reason = f"{reason.rstrip('.') or drop.state}. {next_steps}"
    return replace(
        status,
        run=run.number,
        execution_arn=run.execution_arn,
        model_package_arn=run.model_package_arn,
        released_by=run.released_by,
        reason=drop.reason or reason,
    )
