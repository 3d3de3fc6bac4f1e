"""What the trigger's table says of drops and runs; docs/trigger.md describes its items."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
from boto3.dynamodb.conditions import Key

from scripts.deployed import stacks

WAITING, REFUSED = "Waiting", "Refused"
GOES_ON = frozenset({WAITING, "Starting", "Executing", "Stopping"})
"""States that are not the last; a drop in another one without an execution never has one."""
_DAY = timedelta(hours=24)


@dataclass(frozen=True)
class Run:
    """One execution for the drops that wait, perhaps not started yet.

    Attributes:
        execution_arn: empty before it is started.
        released_by: ARN of whoever let it begin, where that took a person.
        reason: why it failed, or could not be started.
    """

    number: int
    created: datetime
    status: str
    execution_arn: str
    model_package_arn: str
    released_by: str
    reason: str
    drops: tuple[str, ...]


@dataclass(frozen=True)
class Drop:
    """A drop, or drift's request `drift/<model package group>/<version>`.

    Attributes:
        since: when its marker was written, or drift asked.
        run: the newest that covers it; of one that changed and waits again, the one before.
    """

    id: str
    state: str
    since: datetime
    run: Run | None = None
    reason: str = ""


class Record:
    """The table of one environment."""

    def __init__(self, session: boto3.Session, environment: str) -> None:
        name = stacks.output(session, environment, "trigger", "DropsTableName")
        self._table: Any = session.resource("dynamodb").Table(name)

    def drops(self) -> list[Drop]:
        """All of them, the newest first."""
        runs = {run.number: run for run in self.runs()}
        found = [_drop(item, runs.get(int(item.get("Run", 0)))) for item in self._items("drop")]
        return sorted(found, key=lambda drop: (drop.since, drop.id), reverse=True)

    def drop(self, drop_id: str) -> Drop | None:
        """One of them; None where it is not on record.

        One that was refused is on record under its marker's whole key.
        """
        item = self._item("drop", drop_id) or self._item("drop", f"drops/{drop_id}/_SUCCESS")
        if item is None:
            return None
        run = self._item("run", f"{int(item['Run']):08}") if "Run" in item else None
        return _drop(item, _run(run) if run else None)

    def runs(self) -> list[Run]:
        """All of them, the oldest first."""
        return [_run(item) for item in self._items("run")]

    def _item(self, kind: str, name: str) -> dict[str, Any] | None:
        found: dict[str, Any] | None = self._table.get_item(
            Key={"Kind": kind, "Id": name}, ConsistentRead=True
        ).get("Item")
        return found

    def _items(self, kind: str) -> Iterator[dict[str, Any]]:
        page: dict[str, Any] = {}
        while True:
            page = self._table.query(
                KeyConditionExpression=Key("Kind").eq(kind),
                ConsistentRead=True,
                **({"ExclusiveStartKey": page["LastEvaluatedKey"]} if page else {}),
            )
            yield from page["Items"]
            if "LastEvaluatedKey" not in page:
                return


def begun_without_a_person(runs: list[Run]) -> int:
    """Runs of the last 24 hours that count for `trigger.executions_per_day`."""
    since = datetime.now(UTC) - _DAY
    return sum(run.created > since and not run.released_by for run in runs)


def _drop(item: dict[str, Any], run: Run | None) -> Drop:
    return Drop(
        id=item["Id"],
        state=item["State"],
        since=datetime.fromisoformat(item["Since"]),
        run=run,
        reason=item.get("Reason", ""),
    )


def _run(item: dict[str, Any]) -> Run:
    return Run(
        number=int(item["Id"]),
        created=datetime.fromisoformat(item["Created"]),
        status=item["Status"],
        execution_arn=item["PipelineExecutionArn"],
        model_package_arn=item["ModelPackageArn"],
        released_by=item["ReleasedBy"],
        reason=item["Reason"],
        drops=tuple(sorted(item["Drops"])),
    )
