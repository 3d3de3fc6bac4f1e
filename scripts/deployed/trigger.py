"""The deployed trigger: its table of drops and runs, and the function that starts executions.

docs/trigger.md describes both.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3

from functions.shared import EventType
from functions.starter import records
from functions.starter.records import DROP, RUN, STARTING, WAITING, Run, to_sort_key
from functions.starter.table import items_of
from infra.names import DROPS, DROPS_TABLE_NAME, MARKER, STARTER_FUNCTION_NAME
from scripts.console import CommandError
from scripts.deployed import stacks

GOES_ON = frozenset({WAITING, STARTING, "Executing", "Stopping"})
"""States that are not the last; a drop in another one without an execution never has one."""
_DAY = timedelta(hours=24)


@dataclass(frozen=True)
class Drop(records.Drop):
    """A drop on record, with the newest run that covers it."""

    run: Run | None = None


class Record:
    """The table of one environment."""

    def __init__(self, session: boto3.Session, environment: str) -> None:
        name = stacks.output(session, environment, "trigger", DROPS_TABLE_NAME)
        self._table = session.resource("dynamodb").Table(name)

    def drops(self) -> list[Drop]:
        """All of them, the newest first."""
        runs = {run.number: run for run in self.runs()}
        drops = [Drop.from_item(item) for item in items_of(self._table, DROP)]
        with_runs = [replace(drop, run=runs.get(drop.run_number)) for drop in drops]
        return sorted(with_runs, key=lambda drop: (drop.since, drop.id), reverse=True)

    def drop(self, drop_id: str) -> Drop | None:
        """One of them; None where it is not on record.

        One that was refused is on record under its marker's whole key.
        """
        item = self._item(DROP, drop_id) or self._item(DROP, f"{DROPS}{drop_id}/{MARKER}")
        if item is None:
            return None
        drop = Drop.from_item(item)
        run = self._item(RUN, to_sort_key(drop.run_number)) if drop.run_number else None
        return replace(drop, run=Run.from_item(run) if run else None)

    def runs(self) -> list[Run]:
        """All of them, the oldest first."""
        return [Run.from_item(item) for item in items_of(self._table, RUN)]

    def _item(self, kind: str, name: str) -> Mapping[str, Any] | None:
        return self._table.get_item(Key={"Kind": kind, "Id": name}, ConsistentRead=True).get("Item")


def begun_without_a_person(runs: list[Run]) -> int:
    """Runs of the last 24 hours that count for `trigger.executions_per_day`."""
    since = datetime.now(UTC) - _DAY
    return sum(run.created > since and not run.released_by for run in runs)


def executions_per_day(session: boto3.Session, environment: str) -> int:
    """How many the deployed starter begins without a person; 0 for no limit."""
    function = _function(session, environment)
    described = session.client("lambda").get_function_configuration(FunctionName=function)
    return int(described["Environment"]["Variables"]["EXECUTIONS_PER_DAY"])


def release(session: boto3.Session, environment: str) -> dict[str, Any]:
    """Lets the next run begin, in the name of whoever the credentials are, or raises CommandError.

    Returns:
        How many drops wait still (`waiting`), why (`held`), and the runs that go on (`runs`).
    """
    by = session.client("sts").get_caller_identity()["Arn"]
    event = {"detail-type": EventType.RUN_RELEASED, "time": "", "detail": {"By": by}}
    function = _function(session, environment)
    answer = session.client("lambda").invoke(
        FunctionName=function, Payload=json.dumps(event).encode()
    )
    answered: dict[str, Any] = json.loads(answer["Payload"].read())
    if answer.get("FunctionError"):
        raise CommandError(f"The function {function} failed: {answered.get('errorMessage')}.")
    return answered


def _function(session: boto3.Session, environment: str) -> str:
    return stacks.output(session, environment, "trigger", STARTER_FUNCTION_NAME)
