"""The table of drops and runs: what neither S3 nor SageMaker remembers.

Each write is conditional, so that any number of functions may write at once, and what an old view
or an old event says changes nothing. Each read is consistent, that of the index `Open` too: a local
one, in which an item is only while there is something to do about it.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from . import items
from .items import text
from .records import (
    LEFT,
    REFUSED,
    WAITING,
    WITHDRAWN,
    Drop,
    Execution,
    Fate,
    History,
    Marker,
    Run,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

DROP, RUN, RELEASE = "drop", "run", "release"
_DAY = timedelta(hours=24)


class Table:
    """See docs/trigger.md for the items."""

    def __init__(self, client: "DynamoDBClient", name: str) -> None:
        self._client = client
        self._name = name

    def record(self, marker: Marker) -> None:
        """The drop waits, unless this marker or a later one is on record, or nothing in it changed
        since a run that used it.
        """
        self._adopt(marker)
        values = {
            ":sequencer": {"S": marker.sequencer},
            ":etag": {"S": marker.etag},
            ":version": {"S": marker.version_id},
            ":size": {"N": str(marker.size)},
        }
        unused = {f":state{n}": s for n, s in enumerate(sorted(LEFT | {WITHDRAWN}))}
        anew = f"#etag <> :etag OR #state IN ({', '.join(unused)})"
        self._wait(
            marker.drop_id,
            marker.written,
            "#sequencer = :sequencer, #etag = :etag, #version = :version, #size = :size",
            f"attribute_not_exists(#id) OR (#sequencer < :sequencer AND ({anew}))",
            values | _strings(unused),
        )

    def _adopt(self, marker: Marker) -> None:
        """A listing may have found the marker before its event came, which alone has the order."""
        self._update(
            (DROP, marker.drop_id),
            "SET #sequencer = :sequencer, #version = :version",
            "#sequencer = :none AND #etag = :etag",
            _strings(
                {
                    ":sequencer": marker.sequencer,
                    ":version": marker.version_id,
                    ":none": "",
                    ":etag": marker.etag,
                }
            ),
        )

    def request(self, drift_id: str, at: datetime) -> None:
        """Drift of a model package waits, unless it ever did."""
        none = _strings({":none": ""})
        self._wait(drift_id, at, "#sequencer = :none", "attribute_not_exists(#id)", none)

    def refuse(self, key: str, at: datetime, reason: str) -> None:
        """Keeps on record what is no drop, under the object's whole key."""
        self._update(
            (DROP, key),
            "SET #state = :state, #since = :since, #reason = :reason",
            "attribute_not_exists(#id)",
            _strings({":state": REFUSED, ":since": text(at), ":reason": reason}),
        )

    def _wait(
        self, drop_id: str, since: datetime, more: str, condition: str, values: dict[str, Any]
    ) -> None:
        self._update(
            (DROP, drop_id),
            f"SET #state = :waiting, #since = :since, #open = :since, {more} ADD #generation :one",
            condition,
            values | _strings({":waiting": WAITING, ":since": text(since)}) | {":one": {"N": "1"}},
        )

    def leave(self, drop: Drop, fate: Fate) -> None:
        """The drop, which waits, goes into no run."""
        self._update(
            (DROP, drop.id),
            "SET #state = :state, #reason = :reason REMOVE #open",
            "#generation = :generation AND #state = :waiting",
            _strings({":state": fate.state, ":reason": fate.reason, ":waiting": WAITING})
            | {":generation": {"N": str(drop.generation)}},
        )

    def has(self, drop_id: str) -> bool:
        """Whether the drop is on record."""
        return "Item" in self._client.get_item(
            TableName=self._name, Key=_key(DROP, drop_id), ConsistentRead=True
        )

    def open_drops(self) -> list[Drop]:
        """Drops that wait, and those that unsuccessful runs have left."""
        return [items.drop(item) for item in self._query(DROP, IndexName="Open")]

    def open_runs(self) -> list[Run]:
        return [items.run(item) for item in self._query(RUN, IndexName="Open")]

    def history(self, now: datetime) -> History:
        newest = alone = 0
        for item in self._query(RUN, ScanIndexForward=False):
            run = items.run(item)
            newest = max(newest, run.number)
            if run.created <= now - _DAY:
                break
            alone += not run.released_by
        return History(newest, alone)

    def run_of(self, execution_arn: str) -> Run | None:
        """The run that has the execution."""
        for item in self._query(RUN, ScanIndexForward=False):
            run = items.run(item)
            if run.execution_arn == execution_arn:
                return run
        return None

    def begin(self, run: Run) -> bool:
        """Keeps a new run; False where another function was faster with its number."""
        try:
            self._client.put_item(
                TableName=self._name,
                Item=_key(RUN, _sorted(run.number)) | items.of_run(run),
                ConditionExpression="attribute_not_exists(#id)",
                ExpressionAttributeNames={"#id": "Id"},
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def note(self, run: Run, execution: Execution) -> bool:
        """What SageMaker says of the run's execution, unless something later is known.

        The run is open again until the drops have this too. An execution without an ARN, of a run
        that is given up, is only noted where no function has started one; gives whether it was.
        """
        values = {
            ":arn": execution.arn,
            ":status": execution.status,
            ":modified": execution.modified,
            ":reason": execution.reason,
            ":package": execution.model_package_arn,
            ":open": text(run.created),
            ":none": "",
        }
        return self._update(
            (RUN, _sorted(run.number)),
            "SET #arn = :arn, #status = :status, #modified = :modified, #reason = :reason, "
            "#package = :package, #open = :open",
            "#arn = :none OR #modified <= :modified" if execution.arn else "#arn = :none",
            _strings(values),
        )

    def note_refusal(self, run: Run, reason: str) -> None:
        """Why the run could not be started yet."""
        self._update(
            (RUN, _sorted(run.number)),
            "SET #reason = :reason",
            "#arn = :none",
            _strings({":reason": reason, ":none": ""}),
        )

    def file(self, run: Run, fates: Mapping[str, Fate]) -> None:
        """Gives the run's status to the drops that it covers, and closes the run where it is over.

        A drop that waits anew, or that a later run covers, is left as it is.

        Args:
            fates: of those that have another than the run's.
        """
        for drop_id, generation in run.drops.items():
            fate = fates.get(drop_id, Fate(run.status, ""))
            self._update(
                (DROP, drop_id),
                "SET #state = :status, #run = :run, #run_modified = :modified, #reason = :reason"
                + (", #open = #since" if fate.state in LEFT else " REMOVE #open"),
                "#generation = :generation AND (attribute_not_exists(#run) OR #run < :run "
                "OR (#run = :run AND #run_modified <= :modified))",
                _strings({":status": fate.state, ":reason": fate.reason, ":modified": run.modified})
                | {":run": {"N": str(run.number)}, ":generation": {"N": str(generation)}},
            )
        self._update(
            (RUN, _sorted(run.number)),
            "SET #filed = :modified" + (" REMOVE #open" if run.status in items.ENDED else ""),
            "#modified = :modified AND #status = :status",
            _strings({":modified": run.modified, ":status": run.status}),
        )

    def release(self, number: int, by: str, at: datetime) -> None:
        """A person lets the run with that number begin."""
        self._update(
            (RELEASE, _sorted(number)),
            "SET #by = :by, #at = :at",
            "attribute_not_exists(#id)",
            _strings({":by": by, ":at": text(at)}),
        )

    def released_by(self, number: int) -> str:
        """Who has let the run with that number begin; empty where nobody has."""
        found = self._client.get_item(
            TableName=self._name, Key=_key(RELEASE, _sorted(number)), ConsistentRead=True
        )
        by: str = found.get("Item", {}).get("By", {}).get("S", "")
        return by

    def _query(self, kind: str, **more: Any) -> Iterator[dict[str, Any]]:
        pages = self._client.get_paginator("query").paginate(
            TableName=self._name,
            KeyConditionExpression="#kind = :kind",
            ExpressionAttributeNames={"#kind": "Kind"},
            ExpressionAttributeValues={":kind": {"S": kind}},
            ConsistentRead=True,
            **more,
        )
        for page in pages:
            yield from page["Items"]

    def _update(
        self, key: tuple[str, str], update: str, condition: str, values: dict[str, Any]
    ) -> bool:
        """Whether the condition held."""
        try:
            self._client.update_item(
                TableName=self._name,
                Key=_key(*key),
                UpdateExpression=update,
                ConditionExpression=condition,
                ExpressionAttributeNames=items.names_in(f"{update} {condition}"),
                ExpressionAttributeValues=values,
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True


def _key(kind: str, name: str) -> dict[str, Any]:
    return {"Kind": {"S": kind}, "Id": {"S": name}}


def _sorted(number: int) -> str:
    # DynamoDB sorts text letter by letter.
    return f"{number:08}"


def _strings(values: dict[str, str]) -> dict[str, Any]:
    return {name: {"S": value} for name, value in values.items()}
