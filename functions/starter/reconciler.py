"""From what is known to what is done."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from botocore.exceptions import ClientError

from functions.shared import EventType

from . import names
from .executions import Executions
from .plan import Guards, next_run
from .records import (
    ENDED,
    REFUSED,
    WITHDRAWN,
    Drop,
    DropStatus,
    Event,
    Execution,
    History,
    Marker,
    Outcome,
    RefusedError,
    Run,
    StarterError,
    is_drift,
    refusal_of_key,
    time_of,
    to_text,
)
from .s3 import DELETED, Datasets, Markers, marker_key
from .table import Table

logger = logging.getLogger(__name__)

# A function that was killed is tried again after a minute; before, its run is its own to start.
_ITS_OWN = timedelta(seconds=30)


@dataclass(frozen=True)
class Reconciler:
    """Gives each drop on record a run; called twice, it does nothing more.

    Several may run at once, without a lock. What makes that safe: a run is one item, written only
    where its number is free, with all that it covers, before its execution is started. So a run is
    never lost, nothing is in two runs by chance, and whoever finds a run without its execution
    starts that with the run's own token. Numbers are read first: whoever read an old state has an
    old number, which is taken.
    """

    table: Table
    executions: Executions
    markers: Markers
    datasets: Datasets
    guards: Guards
    now: Callable[[], datetime]

    def hear(self, event: Event) -> Outcome | None:
        """Records what the event tells and does what follows; None where another event sees to it.

        Raises:
            StarterError: a person is needed.
        """
        match event["detail-type"]:
            case EventType.OBJECT_CREATED:
                self._record(event)
                if self._others_see_to_it():
                    return None
            case EventType.RETRAINING_REQUESTED:
                self.table.request(event["detail"]["Id"], time_of(event))
            case EventType.EXECUTION_CHANGED:
                run = self.table.run_of(event["detail"]["pipelineExecutionArn"])
                if run is not None:
                    self._advance(run)
            case EventType.SCHEDULED:
                self._record_unheard()
            case EventType.RUN_RELEASED:
                self._release(event["detail"]["By"])
            case other:
                raise StarterError(
                    f"The starter knows no event {other!r}: correct the rule that sent it."
                )
        return self._settle()

    def _record(self, event: Event) -> None:
        key = event["detail"]["object"]["key"]
        if reason := refusal_of_key(key):
            self._refuse(key, time_of(event), reason)
        else:
            self.table.record(Marker.from_event(event))

    def _refuse(self, key: str, at: datetime, reason: str) -> None:
        logger.warning("Refused %r: %s", key, reason)
        self.table.refuse(key, at, reason)

    def _record_unheard(self) -> None:
        """Complete drops of whom no event has told, or none yet."""
        for drop_id in self.markers.drop_ids():
            reason = names.refusal_of_drop_id(drop_id)
            if self.table.has(marker_key(drop_id) if reason else drop_id):
                continue
            marker = self.markers.find(drop_id)
            if marker is not None and reason:
                self._refuse(marker_key(drop_id), marker.written, reason)
            elif marker is not None:
                logger.warning("No event has told of the drop %s: it is recorded now.", drop_id)
                self.table.record(marker)

    def _others_see_to_it(self) -> bool:
        """Whether runs that are not over are as many as may be. The end of each is an event, whose
        function notes it and then looks for what waits; this drop was recorded before that.

        So a thousand markers at once are a thousand writes, and not as many calls to SageMaker.
        """
        runs = self.table.open_runs()
        forgotten = any(
            not run.execution_arn and run.created < self.now() - _ITS_OWN for run in runs
        )
        return len(runs) >= self.guards.concurrent_executions and not forgotten

    def _release(self, by: str) -> None:
        history = self.table.history(self.now())
        waits = any(drop.waits for drop in self.table.open_drops())
        if waits and self.guards.against_cost(history):
            self.table.release(history.newest + 1, by, self.now())

    def _settle(self) -> Outcome:
        given_up: list[Run] = []
        while (outcome := self._look(given_up)) is None:
            pass
        return replace(outcome, given_up=sum(len(run.drops) for run in given_up))

    def _look(self, given_up: list[Run]) -> Outcome | None:
        """None where there is to look again, as a run has begun, by this function or another."""
        history = self.table.history(self.now())
        runs = [self._advance(run) for run in self.table.open_runs()]
        given_up += [run for run in runs if run.is_given_up]
        open_drops = self.table.open_drops()
        waiting = sum(drop.waits for drop in open_drops)
        numbers = [run.number for run in runs if run.status not in ENDED]
        if not waiting:
            return Outcome(0, numbers)
        if held := self.guards.against(self._running(runs)):
            logger.info("%s", held)
            return Outcome(waiting, numbers, held)
        released_by = self.table.released_by(history.newest + 1)
        held = self.guards.against_cost(history)
        if held and not released_by:
            logger.warning("%s", held)
            return Outcome(waiting, numbers, held, is_held_by_guard=True)
        run = self._next_run(history, open_drops, released_by if held else "")
        if run is None:
            return Outcome(0, numbers)
        if self.table.begin(run):
            logger.info("Run %s covers %s drops.", run.number, len(run.drops))
        return None

    def _next_run(self, history: History, drops: list[Drop], released_by: str) -> Run | None:
        """Named after a drop that is there still; one that is not is told so and waits no more.

        None where nothing is left to wait. Others may be gone as well: that says CreateManifests.
        """
        while any(drop.waits for drop in drops):
            run = next_run(history, drops, self.now(), released_by)
            status = self._unfit(run.drop_id)
            if status is None:
                return run
            (left,) = (drop for drop in drops if drop.id == run.drop_id)
            logger.warning("The drop %r is %s: %s", left.id, status.state, status.reason)
            self.table.leave(left, status)
            drops = [drop for drop in drops if drop is not left]
        return None

    def _unfit(self, drop_id: str) -> DropStatus | None:
        """Why a run can't be named after the drop; None where it can."""
        if is_drift(drop_id):
            return None
        # Recorded by a version of this function that took others.
        if reason := names.refusal_of_drop_id(drop_id):
            return DropStatus(REFUSED, reason)
        return None if self.markers.find(drop_id) else DropStatus(WITHDRAWN, DELETED)

    def _running(self, runs: list[Run]) -> int:
        """Executions that run, whoever started them; a run without its own yet counts as one."""
        own = {run.execution_arn or run.token for run in runs if run.status not in ENDED}
        # One that has ended a moment ago may still be among the others' as running.
        over = {run.execution_arn for run in runs if run.status in ENDED}
        return len(own | (self.executions.running() - over))

    def _advance(self, run: Run) -> Run:
        """Starts what has no execution, notes how it is, and tells the drops."""
        if run.filed is None:
            self.table.file(run, {})
        execution = self._execution_of(run)
        if execution is not None and _is_news(execution, run):
            is_noted = self.table.note(run, execution)
            if not execution.arn and not is_noted:
                return run  # another function could start it after all
            run = replace(
                run,
                execution_arn=execution.arn,
                status=execution.status,
                modified=execution.modified,
                reason=execution.reason,
                model_package_arn=execution.model_package_arn,
            )
            logger.info("Run %s, %s, is %s.", run.number, run.execution_arn, run.status)
        if run.filed != run.modified:
            is_known = run.status == "Succeeded"
            self.table.file(run, self.datasets.unused(run) if is_known else {})
        return run

    def _execution_of(self, run: Run) -> Execution | None:
        """None of a run that was given up."""
        if run.execution_arn:
            return self.executions.describe(run.execution_arn)
        return None if run.is_given_up else self._start(run)

    def _start(self, run: Run) -> Execution:
        """A failed one without an ARN where SageMaker will never start it: the drops that it covers
        go into the next run, and what comes later is not kept waiting.

        Raises:
            ClientError: SageMaker refused it; the run keeps why, and is tried again.
        """
        try:
            return self.executions.start(run)
        except RefusedError as refused:
            reason = f"It cannot be started: {refused}"
            logger.error("Run %s is given up. %s", run.number, reason)
            return Execution(arn="", status="Failed", modified=to_text(self.now()), reason=reason)
        except ClientError as error:
            self.table.note_refusal(run, f"It could not be started yet: {error}")
            raise


def _is_news(execution: Execution, run: Run) -> bool:
    """A running execution is modified with each of its steps, which says nothing of its drops."""
    return execution.status != run.status or (
        execution.status in ENDED and execution.modified != run.modified
    )
