"""An update of an endpoint: the shift of the traffic, and the alarms that end it while it bakes.

https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-configuration.html
"""

import logging
import math
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from rehearsal import aws
from rehearsal.backends import Change, DeploymentConfig, TrafficStep, Variant
from rehearsal.endpoints.capacities import summary
from rehearsal.endpoints.errors import CancelledError, FleetError, RolledBackError
from rehearsal.endpoints.fleet import Fleet
from rehearsal.endpoints.traffic import Traffic
from rehearsal.images.errors import ImageError

_log = logging.getLogger(__name__)

_TYPES = ["MetricAlarm", "CompositeAlarm"]


class RollbackAlarms:
    """The alarms that an update names.

    Attributes:
        role: the endpoint's execution role, which needs `cloudwatch:DescribeAlarms`.
    """

    def __init__(self, names: Sequence[str], role: aws.Role):
        self._names = list(names)
        self._role = role

    def check(self) -> None:
        """Refuses to go on where one is in ALARM.

        Raises:
            RolledBackError: one is in the state ALARM, is not there, or can't be read.
        """
        if not self._names:
            return
        try:
            states = self._states()
        except ClientError as error:
            raise RolledBackError(
                f"The alarms {', '.join(self._names)} can't be read as {self._role.arn}, which "
                f"needs cloudwatch:DescribeAlarms on them: {error}"
            ) from error
        except BotoCoreError as error:
            _log.warning("CloudWatch did not answer, it is asked again: %s", error)
            return
        if missing := [name for name in self._names if name not in states]:
            raise RolledBackError(
                f"There is no alarm {', '.join(missing)}, which AutoRollbackConfiguration names: "
                "make it or leave it out."
            )
        if tripped := [name for name in self._names if states[name] == "ALARM"]:
            raise RolledBackError(
                f"The update was rolled back: the alarm {', '.join(tripped)} is in the state ALARM."
            )

    def _states(self) -> dict[str, str]:
        cloudwatch = self._role.client("cloudwatch")
        found = cloudwatch.describe_alarms(AlarmNames=self._names, AlarmTypes=_TYPES)
        alarms = [*found.get("MetricAlarms", []), *found.get("CompositeAlarms", [])]
        return {alarm["AlarmName"]: alarm["StateValue"] for alarm in alarms}


class Rollout:
    """One update: brings a fleet, moves the traffic to it, and takes it back where it must.

    Attributes:
        green: the new fleet, not started yet.
        retire: ends a fleet that gets no further requests; returns when it is gone.
        alarms_every: seconds from one look at the alarms to the next.
        shorter_waits: how many times shorter a step is watched than it says.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - what a deployment is made of
        self,
        traffic: Traffic,
        green: Fleet,
        deployment: DeploymentConfig,
        alarms: RollbackAlarms,
        change: Change,
        retire: Callable[[Fleet], None],
        alarms_every: float,
        shorter_waits: float = 1.0,
    ):
        self._traffic = traffic
        self._green = green
        self._deployment = deployment
        self._alarms = alarms
        self._change = change
        self._retire = retire
        self._alarms_every = alarms_every
        self._shorter_waits = max(shorter_waits, 1.0)
        self._cancelled = threading.Event()
        self._began = time.monotonic()
        self._start_time = datetime.now(UTC)

    def cancel(self) -> None:
        """Ends it without a report, soon."""
        self._cancelled.set()

    def run(self) -> None:
        """Returns when the deployment is over, and reports how."""
        try:
            blue = self._deploy()
        except CancelledError:
            self._give_up(None)
        except (FleetError, ImageError, RolledBackError) as error:
            self._give_up(str(error))
        except Exception as error:  # noqa: BLE001 - a fault of ours must end the wait, too
            _log.exception("An endpoint could not be deployed.")
            self._give_up(f"InternalServerError: {error}")
        else:
            if blue:
                self._end(blue)
            if not self._cancelled.is_set():
                self._change({"EndpointStatus": "InService"})

    def _deploy(self) -> Fleet | None:
        """Returns the fleet that the new one has taken over from."""
        self._report("Creating", lambda count: f"Launching {count} instance(s).", 0.0)
        self._start()
        if self._traffic.blue:
            self._look()
            for step in self._deployment.steps:
                self._shift(step)
                self._bake(step)
        return self._traffic.take_over(self._green)

    def _start(self) -> None:
        try:
            self._green.start(self._left())
        except FleetError as error:
            if self._left() == 0:
                raise self._too_late() from error
            raise

    def _shift(self, step: TrafficStep) -> None:
        self._report("ActivatingTraffic", lambda n: f"Activating traffic on {_what(step, n)}.", 0.0)
        self._traffic.shift(self._green, step.share)

    def _bake(self, step: TrafficStep) -> None:
        self._report(
            "Baking",
            lambda count: (
                f"Baking for {step.wait_seconds:g} seconds ({step.wait}) with traffic enabled on "
                f"{_what(step, count)}."
            ),
            step.share,
        )
        ends = time.monotonic() + step.wait_seconds / self._shorter_waits
        self._look()
        while (left := ends - time.monotonic()) > 0:
            self._cancelled.wait(min(left, self._alarms_every))
            self._look()

    def _look(self) -> None:
        """Asks the alarms, and whether anybody waits still.

        Raises:
            CancelledError: nobody waits any more.
            RolledBackError: why the update has to be taken back.
        """
        if self._cancelled.is_set():
            raise CancelledError
        if self._left() == 0:
            raise self._too_late()
        self._alarms.check()
        if not self._green.available:
            raise RolledBackError(
                "The update was rolled back: no model server of the new fleet is up any more; "
                "please check CloudWatch logs for this endpoint."
            )

    def _too_late(self) -> RolledBackError:
        return RolledBackError(
            "The update was rolled back: it took longer than the "
            f"{self._deployment.timeout_seconds:.0f} s of MaximumExecutionTimeoutInSeconds."
        )

    def _left(self) -> float | None:
        timeout = self._deployment.timeout_seconds
        return None if timeout is None else max(self._began + timeout - time.monotonic(), 0.0)

    def _give_up(self, reason: str | None) -> None:
        """Ends the new fleet, and says why.

        Args:
            reason: None, nobody waits for it.
        """
        # First of all no further request goes there; those that are under way are answered.
        self._traffic.roll_back()
        if reason:
            _log.warning("An update is given up: %s", reason)
        self._end(self._green)
        if reason and not self._cancelled.is_set():
            serves = self._traffic.blue is not None
            self._change(
                {"EndpointStatus": "InService" if serves else "Failed", "FailureReason": reason}
            )

    def _end(self, fleet: Fleet) -> None:
        try:
            self._retire(fleet)
        except Exception:  # noqa: BLE001 - the update is over all the same
            _log.exception("A fleet of model servers was not ended in order.")

    def _report(self, name: str, message: Callable[[int], str], share: float) -> None:
        if self._cancelled.is_set():
            raise CancelledError

        def pending(variant: Variant) -> dict[str, Any]:
            count = variant.instance_count
            status = {
                "Status": name,
                "StatusMessage": message(count),
                "StartTime": datetime.now(UTC),
            }
            there = math.ceil(share * count)
            return summary(variant, current_instance_count=there, variant_status=status)

        config = self._green.configuration
        found: dict[str, Any] = {
            "EndpointConfigName": config.name,
            "StartTime": self._start_time,
            "ProductionVariants": [pending(variant) for variant in config.variants],
        }
        if config.shadow_variants:
            found["ShadowProductionVariants"] = [pending(each) for each in config.shadow_variants]
        self._change({"PendingDeploymentSummary": found})


def _what(step: TrafficStep, count: int) -> str:
    if step.share == 1:
        return f"full capacity of {count} instance(s)"
    return f"{step.share:.0%} of the capacity of {count} instance(s)"
