"""An exception of a rule, and what is left of findings without those that are explained."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Protocol, TypeVar


@dataclass(frozen=True)
class Accepted:
    """What a rule finds in some subjects, and why that is right.

    Attributes:
        subjects: pattern of what is found fault with, as of `fnmatch`; the digits that the CDK puts
            behind a logical id are a `*`.
        rule: the rule, in full.
    """

    subjects: str
    rule: str
    reason: str

    def covers(self, subject: str, rule: str) -> bool:
        return rule == self.rule and fnmatchcase(subject, self.subjects)


class Found(Protocol):
    """A finding of any scanner."""

    @property
    def subject(self) -> str: ...

    @property
    def rule(self) -> str: ...


F = TypeVar("F", bound=Found)


def unexplained(findings: Iterable[F], exceptions: Sequence[Accepted]) -> list[F]:
    """Those that no exception covers."""
    return [f for f in findings if not any(e.covers(f.subject, f.rule) for e in exceptions)]


def stale(findings: Iterable[Found], exceptions: Sequence[Accepted]) -> list[Accepted]:
    """The exceptions that cover nothing any more."""
    found = list(findings)
    return [e for e in exceptions if not any(e.covers(f.subject, f.rule) for f in found)]
