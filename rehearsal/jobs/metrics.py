"""The metrics that a training job's MetricDefinitions find in its logs.

https://docs.aws.amazon.com/sagemaker/latest/dg/define-train-metrics.html
"""

import itertools
import logging
import math
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import regex  # type: ignore[import-untyped] # re has no time limit

from rehearsal.authorization.sagemaker import as_role
from rehearsal.aws import Role
from rehearsal.jobs.failure import JobFailure
from rehearsal.supervised import SupervisedThread

_log = logging.getLogger(__name__)
_NAMESPACE = "/aws/sagemaker/TrainingJobs"
_AT_ONCE = 1000
_EVERY_SECONDS = 1.0
# Where CloudWatch does not take them, the oldest go.
_MOST_UNSENT = 100_000
# Of one search: an expression may take for ever on a long line.
_MOST_SECONDS = 1.0


Datum = dict[str, Any]
"""As in `FinalMetricDataList`."""


class Metrics:
    """Reads lines of a log, and sends the values that it finds to CloudWatch while they come.

    Raises:
        JobFailure: a Regex is none.
    """

    def __init__(self, definitions: Sequence[Mapping[str, str]], role: Role, job_name: str):
        self._patterns = {each["Name"]: _compiled(each) for each in definitions}
        self._role = role
        self._job_name = job_name
        self._lock = threading.Lock()
        self._unsent: deque[Datum] = deque(maxlen=_MOST_UNSENT)
        self._last: dict[str, Datum] = {}
        self._thread: SupervisedThread | None = None

    def start(self) -> None:
        """Begins to send."""
        self._thread = SupervisedThread("metrics of a job", self._send, _EVERY_SECONDS)
        self._thread.start()

    def finish(self) -> None:
        """Sends what is left.

        Raises:
            rehearsal.authorization.sagemaker.AccessDenied: the role may not send it.
        """
        if self._thread:
            self._thread.close()
            self._thread = None
        with as_role(self._role, f"to put metrics into {_NAMESPACE}"):
            self._send()

    def read(self, line: str) -> None:
        """A metric whose expression takes too long is not looked for any further."""
        for name, pattern in list(self._patterns.items()):
            try:
                match = pattern.search(line, timeout=_MOST_SECONDS)
            except TimeoutError:
                _log.warning("The Regex of the metric %s takes over %s s", name, _MOST_SECONDS)
                del self._patterns[name]
                continue
            # A group that took no part in the match, as one of another alternative, is None.
            number = _number(match.group(1)) if match and match.groups() else None
            if number is not None:
                datum = {"MetricName": name, "Value": number, "Timestamp": datetime.now(UTC)}
                with self._lock:
                    self._unsent.append(datum)
                    self._last[name] = datum

    def final(self) -> list[Datum]:
        """Each metric's last value."""
        with self._lock:
            return list(self._last.values())

    def _send(self) -> None:
        dimensions = [{"Name": "TrainingJobName", "Value": self._job_name}]
        while True:
            with self._lock:
                some = list(itertools.islice(self._unsent, _AT_ONCE))
            if not some:
                return
            self._role.client("cloudwatch").put_metric_data(
                Namespace=_NAMESPACE,
                MetricData=[datum | {"Dimensions": dimensions} for datum in some],
            )
            with self._lock:
                for datum in some:
                    if self._unsent and self._unsent[0] is datum:
                        self._unsent.popleft()


def _compiled(definition: Mapping[str, str]) -> Any:
    try:
        return regex.compile(definition["Regex"])
    except regex.error as error:
        raise JobFailure(
            f"ClientError: the Regex of the metric {definition['Name']} is no regular expression "
            f"({error}): correct it."
        ) from error


def _number(text: str | None) -> float | None:
    """None where it is no number that CloudWatch takes."""
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) else None
