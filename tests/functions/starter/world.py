"""A small world around the starter: producers, S3, SageMaker, and events that get lost in the post
for a while, come twice, or find a function that dies.
"""

import io
import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from functions.starter.executions import Executions
from functions.starter.plan import Guards
from functions.starter.reconciler import Reconciler
from functions.starter.records import DROP, RUN, UNSUCCESSFUL, Drop, Marker, Run
from functions.starter.s3 import Datasets
from functions.starter.table import Table, items_of
from tests.functions.starter import calls, fake_dynamodb
from tests.functions.starter.fake_sagemaker import FakeSageMaker, Started

START = datetime(2026, 11, 25, tzinfo=UTC)
SCHEDULE = {"detail-type": "Scheduled Event", "time": START.isoformat(), "detail": {}}


class World:
    """Everything happens at a second of its own.

    Attributes:
        post: events that were sent and may be delivered, in any order and more than once.
        markers: the newest marker of each drop.
        changed: when a drop's marker last got another content.
        datasets: `dataset.json` by the execution's id, of those that have any.
        asked: calls of SageMaker.
        asleep: functions that fell asleep in the middle, with their events.
        interrupted: whether any function fell asleep or was killed.
    """

    def __init__(self, table: dict[str, Any], concurrent: int = 1, a_day: int = 0) -> None:
        self.post: list[dict[str, Any]] = []
        self.markers: dict[str, Marker] = {}
        self.changed: dict[str, datetime] = {}
        self.asleep: list[calls.Function] = []
        self.datasets: dict[str, Any] = {}
        self.asked = 0
        self.interrupted = False
        self.now = START
        self._sequence = 0
        self._items = fake_dynamodb.create_table(calls.around, table)
        self.table = Table(self._items)
        self.sagemaker = FakeSageMaker(self._ask, lambda: self.now, self.post.append)
        self.reconciler = Reconciler(
            table=self.table,
            executions=Executions(self.sagemaker, "p"),  # type: ignore[arg-type]
            markers=self,  # type: ignore[arg-type]
            datasets=Datasets(self, "artifacts"),  # type: ignore[arg-type]
            guards=Guards(concurrent, a_day),
            now=lambda: self.now,
        )

    def _ask(self, make: Callable[[], Any]) -> Any:
        self.asked += 1
        return calls.around(make)

    def drop_ids(self) -> Iterator[str]:
        """What S3 lists."""
        yield from list(self.markers)

    def find(self, drop_id: str) -> Marker | None:
        return self.markers.get(drop_id)

    def get_object(self, Key: str, **_: str) -> dict[str, Any]:
        execution_id = Key.split("/")[1]
        if execution_id not in self.datasets:
            raise ClientError({"Error": {"Code": "NoSuchKey"}}, "GetObject")
        return {"Body": io.BytesIO(json.dumps(self.datasets[execution_id]).encode())}

    def drop(self, drop_id: str, content: str = "") -> None:
        """Writes a drop's marker, perhaps not for the first time."""
        self._pass()
        self._sequence += 1
        known = self.markers.get(drop_id)
        if known is None or known.etag != content:
            self.changed[drop_id] = self.now
        self.markers[drop_id] = Marker(drop_id, self.now, content)
        written = {"key": f"drops/{drop_id}/_SUCCESS", "size": 1, "etag": content}
        self.post.append(
            {
                "detail-type": "Object Created",
                "time": self.now.isoformat(),
                "detail": {
                    "bucket": {"name": "drops"},
                    "object": {**written, "sequencer": f"{self._sequence:X}".rjust(6, "0")},
                },
            }
        )

    def drift(self, version: int) -> None:
        self._pass()
        detail = {"Id": f"drift/group/{version}", "PipelineName": "p"}
        self.post.append(
            {"detail-type": "Retraining Requested", "time": self.now.isoformat(), "detail": detail}
        )

    def deliver(
        self, number: int = 0, *, again: bool = False, sleeps_at: int = 0, dies_at: int = 0
    ) -> None:
        """Args:
        again: the event stays in the post too.
        """
        if not self.post:
            return
        place = number % len(self.post)
        event = self.post[place] if again else self.post.pop(place)
        self._invoke(event, sleeps_at, dies_at)

    def tick(self) -> None:
        """The schedule."""
        self._invoke(SCHEDULE)

    def release(self, by: str) -> None:
        self._invoke({"detail-type": "Run Released", "time": "", "detail": {"By": by}})

    def _invoke(self, event: dict[str, Any], sleeps_at: int = 0, dies_at: int = 0) -> None:
        self._pass()
        if not sleeps_at and not dies_at:
            self.reconciler.hear(event)  # type: ignore[arg-type]
            return
        function = calls.Function(lambda: self.reconciler.hear(event), sleeps_at, dies_at)  # type: ignore[arg-type]
        function.start()
        self.interrupted |= function.sleeps or isinstance(function.error, calls.Killed)
        if function.sleeps:
            self.asleep.append(function)
        elif isinstance(function.error, calls.Killed):
            self.post.append(event)  # Lambda tries it again
        elif function.error:
            raise function.error

    def wake(self, number: int = 0) -> None:
        """A function that fell asleep goes on to its end."""
        self._pass()
        if self.asleep:
            function = self.asleep.pop(number % len(self.asleep))
            function.wake()
            if function.error:
                raise function.error

    def lose(self, number: int) -> None:
        """An event that never comes; of a marker written again that would be for ever."""
        if self.post:
            event = self.post[number % len(self.post)]
            if event["detail-type"] != "Retraining Requested" and self._first(event):
                self.post.remove(event)

    def _first(self, event: dict[str, Any]) -> bool:
        if event["detail-type"] != "Object Created":
            return True
        key = event["detail"]["object"]["key"]
        return Counter(e["detail"].get("object", {}).get("key") for e in self.post)[key] == 1 and (
            not self.table.has(key.split("/")[1])
        )

    def end(self, number: int, status: str) -> None:
        self._pass()
        if running := self.sagemaker.running():
            self.sagemaker.end(running[number % len(running)], status)

    def retry(self, number: int) -> None:
        self._pass()
        failed = [e for e in self.sagemaker.executions if e.status in UNSUCCESSFUL]
        if failed:
            self.sagemaker.retry(failed[number % len(failed)])

    def a_day_passes(self) -> None:
        self.now += timedelta(hours=24)

    def settle(self) -> None:
        """Until nothing is left to happen: all that runs succeeds."""
        for _ in range(5000):
            if self.asleep:
                self.wake()
            elif self.post:
                self.deliver()
            elif self.sagemaker.running():
                self.end(0, "Succeeded")
            else:
                before = len(self.sagemaker.executions)
                self.a_day_passes()
                self.tick()
                if not self.post and len(self.sagemaker.executions) == before:
                    return
        raise AssertionError("it never settles")

    def _pass(self) -> None:
        self.now += timedelta(seconds=1)

    @property
    def runs(self) -> list[Run]:
        """All runs on record, the oldest first."""
        return [Run.from_item(item) for item in items_of(self._items, RUN)]

    @property
    def drops(self) -> dict[str, Drop]:
        """All drops on record, by id."""
        return {item["Id"]: Drop.from_item(item) for item in items_of(self._items, DROP)}

    def state(self, drop_id: str) -> str:
        return self.drops[drop_id].state

    def reason(self, drop_id: str) -> str:
        return self.drops[drop_id].reason

    def states(self) -> dict[str, str]:
        """Of all drops on record."""
        return {drop.id: drop.state for drop in self.drops.values()}

    def execution_of(self, run: Run) -> Started:
        (found,) = (e for e in self.sagemaker.executions if e.token == run.token)
        return found


def worlds_by_call(table: dict[str, Any]) -> Iterator[tuple[int, World]]:
    """New worlds with the number of the call at which a function is to be interrupted in each,
    until one makes fewer calls.
    """
    for call in itertools.count(1):
        world = World(table)
        yield call, world
        if not world.interrupted:
            assert call > 1, "no function was interrupted"
            return
