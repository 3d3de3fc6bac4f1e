"""What a review says, before it is a page, a comment or lines in a terminal."""

from dataclasses import dataclass
from enum import Enum

from scripts.reviews.differences import Row


class Mark(Enum):
    """How an entry is to be seen."""

    ADDED = "+"
    CHANGED = "~"
    REMOVED = "-"
    DANGER = "!"
    NOTE = " "


@dataclass(frozen=True)
class Entry:
    """One thing that a change does.

    Attributes:
        rows: values before and after.
        notes: what to know besides, a sentence or a list each.
    """

    mark: Mark
    text: str
    rows: tuple[Row, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Section:
    """Entries under one title; one without entries is not shown."""

    title: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class Finding:
    """What a policy may block.

    Attributes:
        name: one of `policy.FINDINGS`.
        text: what was found, and where.
        amount: of a finding that has a size.
        limit: the policy's limit of that size, `usd_a_month` or `usd_a_run`.
    """

    name: str
    text: str
    amount: float = 0.0
    limit: str = ""


@dataclass(frozen=True)
class Verdict:
    """A finding that blocks, and why."""

    finding: Finding
    reason: str


@dataclass(frozen=True)
class Review:
    """A whole review.

    Attributes:
        title: what is compared with what.
        summary: one line.
        verdicts: what blocks; empty where nothing does.
    """

    title: str
    summary: str
    sections: tuple[Section, ...]
    findings: tuple[Finding, ...]
    verdicts: tuple[Verdict, ...]

    @property
    def reasons(self) -> dict[str, list[str]]:
        """What blocks by the reason why it does."""
        found: dict[str, list[str]] = {}
        for verdict in self.verdicts:
            found.setdefault(verdict.reason, []).append(verdict.finding.text)
        return found
