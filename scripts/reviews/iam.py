"""The section on IAM: sentences, and what a policy may block of them."""

from collections.abc import Iterator
from dataclasses import dataclass

from scripts.reviews.comparison import Comparison
from scripts.reviews.document import Entry, Finding, Mark
from scripts.reviews.permissions.changes import PermissionChanges, permission_changes
from scripts.reviews.permissions.documents import role_holder
from scripts.reviews.permissions.permission import EVERYONE, Permission
from scripts.reviews.permissions.words import Words
from scripts.reviews.stacks import Stacks


@dataclass(frozen=True)
class Iam:
    """What a review says of IAM.

    :ivar entries: widened first.
    :ivar wider: how many of them widen.
    """

    entries: tuple[Entry, ...]
    findings: tuple[Finding, ...]
    wider: int
    narrower: int


def iam(comparison: Comparison) -> Iam:
    """Compares who may do what."""
    changes = permission_changes(
        comparison.before,
        comparison.after,
        comparison.names,
        comparison.plain_before,
        comparison.plain_after,
    )
    roles = _roles(comparison.before, comparison) | _roles(comparison.after, comparison)
    words = Words(roles.__contains__)
    wider = words.sentences(changes.widened, "may now", "is no longer forbidden to")
    wider += [(text, "") for text in _boundaries(comparison, words, is_wider=True)]
    narrower = words.sentences(changes.narrowed, "may no longer", "is now forbidden to")
    narrower += [(text, "") for text in _boundaries(comparison, words, is_wider=False)]
    gone = [
        f"{_capital(words.who(holder))} is gone, and all that it might do"
        for holder in changes.gone
    ]
    return Iam(
        (
            *(Entry(Mark.DANGER, f"WIDER: {text}", (), _notes(exactly)) for text, exactly in wider),
            *(
                Entry(Mark.REMOVED, f"narrower: {t}", (), _notes(exactly))
                for t, exactly in narrower
            ),
            *(Entry(Mark.REMOVED, f"narrower: {text}") for text in gone),
        ),
        (
            *(Finding("iam-widening", text) for text, _ in wider),
            *_public(changes),
        ),
        len(wider),
        len(narrower) + len(gone),
    )


def _public(changes: PermissionChanges) -> Iterator[Finding]:
    """Whoever is everyone comes from the network."""
    open_to_all: list[Permission] = [
        p
        for p in changes.widened
        if p.holder == EVERYONE and not p.is_denied and not p.conditions and p.policy_of
    ]
    for place in sorted({p.policy_of for p in open_to_all}):
        yield Finding("network-exposure", f"the policy of {place} lets everyone in")


def _roles(side: Stacks, comparison: Comparison) -> set[str]:
    return {
        role_holder(resource, comparison.names)
        for resource in side.resources()
        if resource.type == "AWS::IAM::Role"
    }


def _boundaries(comparison: Comparison, words: Words, *, is_wider: bool) -> Iterator[str]:
    """A boundary that goes widens; one that comes narrows; another one is to be looked at."""
    for before, after in comparison.pairs:
        if before is None or after is None or after.type != "AWS::IAM::Role":
            continue
        old, new = (
            comparison.properties(side, is_before=side is before).get("PermissionsBoundary")
            for side in (before, after)
        )
        who = _capital(words.who(role_holder(after, comparison.names)))
        if old and old != new and is_wider:
            what = f"another permissions boundary: {new}" if new else "no permissions boundary"
            yield f"{who} now has {what} (before: {old})"
        elif new and not old and not is_wider:
            yield f"{who} now has the permissions boundary {new}"


def _notes(exactly: str) -> tuple[str, ...]:
    return (exactly,) if exactly else ()


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
