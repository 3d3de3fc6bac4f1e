"""Which model package should serve."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from .attempts import Attempt


@dataclass(frozen=True)
class Approval:
    """What is known of one package of the group.

    Attributes:
        package: its ARN.
        version: its number in the group.
        approved: its newest approval.
        failed: the newest of its approvals whose update was rolled back.
    """

    package: str
    version: int
    approved: datetime
    failed: datetime | None = None

    @property
    def attempt(self) -> Attempt:
        return Attempt(self.version, self.approved)


def desired(approvals: Iterable[Approval], is_approved: Callable[[str], bool]) -> Approval | None:
    """The package that was approved last, is still approved, and has not failed since.

    Both times only ever grow, so the answer depends on which events were heard and not on their
    order. Of two approvals in one second, the finest that an event tells, the higher version is
    the later.

    Args:
        is_approved: asked of one package after another, the most likely first.
    """
    standing = (a for a in approvals if a.failed is None or a.failed < a.approved)
    newest_first = sorted(standing, key=lambda a: (a.approved, a.version), reverse=True)
    return next((a for a in newest_first if is_approved(a.package)), None)
