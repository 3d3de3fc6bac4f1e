"""The table of drops and runs: what neither S3 nor SageMaker remembers.

Each write is conditional, so that any number of functions may write at once, and what an old view
or an old event says changes nothing. Each read is consistent, that of the index `Open` too: a local
one, in which an item is only while there is something to do about it.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.conditions import Attr, ConditionBase

from .records import (
    DROP,
    ENDED,
    LEFT,
    REFUSED,
    RELEASE,
    RUN,
    WAITING,
    WITHDRAWN,
    Drop,
    DropStatus,
    Execution,
    History,
    Marker,
    Run,
    to_sort_key,
    to_text,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table as DynamoDBTable

_DAY = timedelta(hours=24)


class Table:
    """docs/trigger.md has its items."""

    def __init__(self, table: "DynamoDBTable") -> None:
        self._table = table

    def record(self, marker: Marker) -> None:
        """The drop waits, unless this marker or a later one is on record, or nothing in it changed
        since a run that used it.
        """
        self._adopt(marker)
        anew = Attr("ETag").ne(marker.etag) | Attr("State").is_in(sorted(LEFT | {WITHDRAWN}))
        self._wait(
            marker.drop_id,
            marker.written,
            Attr("Id").not_exists() | (Attr("Sequencer").lt(marker.sequencer) & anew),
            {
                "Sequencer": marker.sequencer,
                "ETag": marker.etag,
                "VersionId": marker.version_id,
                "MarkerBytes": marker.size,
            },
        )

    def _adopt(self, marker: Marker) -> None:
        """A listing may have found the marker before its event came, which alone has the order."""
        self._update(
            (DROP, marker.drop_id),
            Attr("Sequencer").eq("") & Attr("ETag").eq(marker.etag),
            {"Sequencer": marker.sequencer, "VersionId": marker.version_id},
        )

    def request(self, drift_id: str, at: datetime) -> None:
        """Drift of a model package waits, unless it ever did."""
        self._wait(drift_id, at, Attr("Id").not_exists(), {"Sequencer": ""})

    def refuse(self, key: str, at: datetime, reason: str) -> None:
        """Keeps on record what is no drop, under the object's whole key."""
        values = {"State": REFUSED, "Since": to_text(at), "Reason": reason}
        self._update((DROP, key), Attr("Id").not_exists(), values)

    def _wait(
        self, drop_id: str, since: datetime, condition: ConditionBase, more: Mapping[str, Any]
    ) -> None:
        waits = {"State": WAITING, "Since": to_text(since), "Open": to_text(since), **more}
        self._update((DROP, drop_id), condition, waits, add={"Generation": 1})

    def leave(self, drop: Drop, status: DropStatus) -> None:
        """The drop, which waits, goes into no run."""
        self._update(
            (DROP, drop.id),
            Attr("Generation").eq(drop.generation) & Attr("State").eq(WAITING),
            {"State": status.state, "Reason": status.reason},
            remove=("Open",),
        )

    def has(self, drop_id: str) -> bool:
        """Whether the drop is on record."""
        return self._get(DROP, drop_id) is not None

    def open_drops(self) -> list[Drop]:
        """Drops that wait, and those that unsuccessful runs have left."""
        return [Drop.from_item(item) for item in items_of(self._table, DROP, IndexName="Open")]

    def open_runs(self) -> list[Run]:
        """Runs that are not over, or whose end the drops have not been given."""
        return [Run.from_item(item) for item in items_of(self._table, RUN, IndexName="Open")]

    def history(self, now: datetime) -> History:
        """The runs of the last 24 hours, and the newest of all."""
        newest = alone = 0
        for run in self._newest_runs():
            newest = max(newest, run.number)
            if run.created <= now - _DAY:
                break
            alone += not run.released_by
        return History(newest, alone)

    def run_of(self, execution_arn: str) -> Run | None:
        """The run that has the execution."""
        return next((r for r in self._newest_runs() if r.execution_arn == execution_arn), None)

    def _newest_runs(self) -> Iterator[Run]:
        return map(Run.from_item, items_of(self._table, RUN, ScanIndexForward=False))

    def begin(self, run: Run) -> bool:
        """Keeps a new run; False where another function was faster with its number."""
        try:
            self._table.put_item(Item=run.to_item(), ConditionExpression=Attr("Id").not_exists())
        except self._table.meta.client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def note(self, run: Run, execution: Execution) -> bool:
        """What SageMaker says of the run's execution, unless something later is known.

        The run is open again until the drops have this too. An execution without an ARN, of a run
        that is given up, is only noted where no function has started one; gives whether it was.
        """
        condition: ConditionBase = Attr("PipelineExecutionArn").eq("")
        if execution.arn:
            condition = condition | Attr("Modified").lte(execution.modified)
        return self._update(
            (RUN, to_sort_key(run.number)),
            condition,
            {
                "PipelineExecutionArn": execution.arn,
                "Status": execution.status,
                "Modified": execution.modified,
                "Reason": execution.reason,
                "ModelPackageArn": execution.model_package_arn,
                "Open": to_text(run.created),
            },
        )

    def note_refusal(self, run: Run, reason: str) -> None:
        """Why the run could not be started yet."""
        key, is_unstarted = (RUN, to_sort_key(run.number)), Attr("PipelineExecutionArn").eq("")
        self._update(key, is_unstarted, {"Reason": reason})

    def file(self, run: Run, statuses: Mapping[str, DropStatus]) -> None:
        """Gives the run's status to the drops that it covers, and closes the run where it is over.

        A drop that waits anew, or that a later run covers, is left as it is.

        Args:
            statuses: Of those drops that have another than the run's.
        """
        for drop_id, generation in run.drops.items():
            status = statuses.get(drop_id, DropStatus(run.status))
            is_left = status.state in LEFT
            this_run = Attr("Run").eq(run.number) & Attr("RunModified").lte(run.modified)
            self._update(
                (DROP, drop_id),
                Attr("Generation").eq(generation)
                & (Attr("Run").not_exists() | Attr("Run").lt(run.number) | this_run),
                {
                    "State": status.state,
                    "Run": run.number,
                    "RunModified": run.modified,
                    "Reason": status.reason,
                },
                copy={"Open": "Since"} if is_left else {},
                remove=() if is_left else ("Open",),
            )
        self._update(
            (RUN, to_sort_key(run.number)),
            Attr("Modified").eq(run.modified) & Attr("Status").eq(run.status),
            {"Filed": run.modified},
            remove=("Open",) if run.status in ENDED else (),
        )

    def release(self, number: int, by: str, at: datetime) -> None:
        """A person lets the run with that number begin."""
        values = {"By": by, "At": to_text(at)}
        self._update((RELEASE, to_sort_key(number)), Attr("Id").not_exists(), values)

    def released_by(self, number: int) -> str:
        """Who has let the run with that number begin; empty where nobody has."""
        item = self._get(RELEASE, to_sort_key(number))
        return str(item["By"]) if item else ""

    def _get(self, kind: str, name: str) -> Mapping[str, Any] | None:
        return self._table.get_item(Key={"Kind": kind, "Id": name}, ConsistentRead=True).get("Item")

    def _update(  # noqa: PLR0913 - the clauses of an update
        self,
        key: tuple[str, str],
        condition: ConditionBase,
        values: Mapping[str, Any],
        *,
        copy: Mapping[str, str] | None = None,
        add: Mapping[str, int] | None = None,
        remove: tuple[str, ...] = (),
    ) -> bool:
        """Changes an item where the condition holds; gives whether it did.

        Args:
            copy: Attributes that are set to what another one is.
        """
        copy, add = copy or {}, add or {}
        names = {f"#{name}": name for name in (*values, *copy, *copy.values(), *add, *remove)}
        sets = [f"#{name} = :{name}" for name in values]
        sets += [f"#{name} = #{other}" for name, other in copy.items()]
        update = f"SET {', '.join(sets)}"
        if remove:
            update += f" REMOVE {', '.join(f'#{name}' for name in remove)}"
        if add:
            update += f" ADD {', '.join(f'#{name} :{name}' for name in add)}"
        try:
            self._table.update_item(
                Key={"Kind": key[0], "Id": key[1]},
                UpdateExpression=update,
                ConditionExpression=condition,
                ExpressionAttributeNames=names,
                ExpressionAttributeValues={f":{n}": v for n, v in {**values, **add}.items()},
            )
        except self._table.meta.client.exceptions.ConditionalCheckFailedException:
            return False
        return True


def items_of(table: "DynamoDBTable", kind: str, **more: Any) -> Iterator[dict[str, Any]]:
    """All items of a kind, by id, read consistently; `more` is of DynamoDB's Query."""
    pages = table.meta.client.get_paginator("query").paginate(
        TableName=table.name,
        KeyConditionExpression="#kind = :kind",
        ExpressionAttributeNames={"#kind": "Kind"},
        ExpressionAttributeValues={":kind": kind},
        ConsistentRead=True,
        **more,
    )
    for page in pages:
        yield from page["Items"]
