"""The alarms that end an update while it bakes:
https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-configuration.html
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from botocore.exceptions import BotoCoreError, ClientError

from rehearsal import aws
from rehearsal.endpoints.errors import RolledBackError

_log = logging.getLogger(__name__)

_TYPES = ["MetricAlarm", "CompositeAlarm"]


class RollbackAlarms:
    """Attributes:
    role: the endpoint's execution role, which needs `cloudwatch:DescribeAlarms`.
    """

    def __init__(self, names: Sequence[str], role: aws.Role):
        self._names = list(names)
        self._role = role

    def check(self) -> None:
        """Raises:
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
