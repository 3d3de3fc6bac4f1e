"""Rules that something need not follow, each with its reason (`tables`)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Protocol, TypeVar


@dataclass(frozen=True)
class Suppression:
    """What a rule finds in some subjects, and why that is right.

    Attributes:
        subjects: pattern of what is found fault with, as of `fnmatch`; the digits that the CDK puts
            behind a logical id are a `*`.
        rule: the rule, in full.
        reason: why that is right, a sentence.
    """

    subjects: str
    rule: str
    reason: str

    def covers(self, subject: str, rule: str) -> bool:
        """Whether it is of this rule, and of this subject."""
        return rule == self.rule and fnmatchcase(subject, self.subjects)


class Finding(Protocol):
    """A finding of any scanner."""

    @property
    def subject(self) -> str:
        """What is found fault with."""

    @property
    def rule(self) -> str:
        """The rule that it breaks."""


F = TypeVar("F", bound=Finding)


def unsuppressed(findings: Iterable[F], suppressions: Sequence[Suppression]) -> list[F]:
    """Those that no suppression covers."""
    return [f for f in findings if not any(s.covers(f.subject, f.rule) for s in suppressions)]


def stale(findings: Iterable[Finding], suppressions: Sequence[Suppression]) -> list[Suppression]:
    """The suppressions that cover nothing any more."""
    found = list(findings)
    return [s for s in suppressions if not any(s.covers(f.subject, f.rule) for f in found)]
