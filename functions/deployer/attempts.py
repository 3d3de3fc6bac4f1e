"""The name of an attempt to serve a package, by which CloudFormation says later how it ended."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_NAME = re.compile(r"model-(?P<version>\d+)-(?P<approved>\d+)(-\d+)?")
_SINCE = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True)
class Attempt:
    """One approval of one package of the group, being rolled out.

    Attributes:
        version: the package's number in its group.
        approved: when the package was approved, to the millisecond.
    """

    version: int
    approved: datetime

    @property
    def name(self) -> str:
        """`model-<version>-<milliseconds since 1970>`: the change set's, and the token's beginning.

        Nothing need be kept beside CloudFormation to know what an update was about.
        """
        return f"model-{self.version}-{milliseconds(self.approved)}"

    @classmethod
    def named(cls, name: str) -> "Attempt | None":
        """What a change set's name or a client request token says; None where it is not ours."""
        match = _NAME.fullmatch(name)
        if match is None:
            return None
        return cls(int(match["version"]), _SINCE + int(match["approved"]) * _MILLISECOND)


def milliseconds(time: datetime) -> int:
    """Since 1970."""
    return (time - _SINCE) // _MILLISECOND
