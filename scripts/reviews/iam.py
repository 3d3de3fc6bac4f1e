"""The section on IAM: sentences, and what a policy may block of them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from scripts.reviews.comparison import Comparison
from scripts.reviews.document import Entry, Finding, Mark
from scripts.reviews.permissions.changes import PermissionChanges, permission_changes
from scripts.reviews.permissions.documents import role_holder
from scripts.reviews.permissions.permission import EVERYONE, Permission
from scripts.reviews.permissions.together import together
from scripts.reviews.permissions.words import Words
from scripts.reviews.stacks import Stacks

_WIDER = "WIDER: "


@dataclass(frozen=True)
class Iam:
    """What a review says of IAM.

    Attributes:
        entries: widened first.
        wider: how many of them widen.
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
    old, new = (_roles(side, comparison) for side in (comparison.before, comparison.after))
    words = Words((old | new).__contains__)
    wider = [
        *_of_new_roles(changes, words, new - old),
        *_statements(changes.widened, words, Mark.DANGER, new - old),
        *_boundaries(comparison, words, is_wider=True),
    ]
    narrower = [
        *_statements(changes.narrowed, words, Mark.REMOVED, set()),
        *_boundaries(comparison, words, is_wider=False),
        *(
            Entry(
                Mark.REMOVED,
                f"narrower: {_capital(words.who(holder))} is gone with all it might do",
            )
            for holder in changes.gone
        ),
    ]
    found = (Finding("iam-widening", entry.text.removeprefix(_WIDER)) for entry in wider)
    return Iam((*wider, *narrower), (*found, *_public(changes)), len(wider), len(narrower))


def _statements(
    some: Iterable[Permission], words: Words, mark: Mark, new_roles: set[str]
) -> Iterator[Entry]:
    """An entry a statement; what is about new roles is left to `_of_new_roles`."""
    is_wider = mark is Mark.DANGER
    verbs = ("may now", "is no longer forbidden to")
    other_verbs = ("may no longer", "is now forbidden to")
    for statement in together(some):
        if {statement.holder, statement.policy_of} & new_roles:
            continue
        text = words.sentence(statement, *(verbs if is_wider else other_verbs))
        exactly = "" if statement.is_inverted else ", ".join(statement.actions)
        notes = (exactly,) if ":" in exactly else ()
        yield Entry(mark, f"{_WIDER if is_wider else 'narrower: '}{text}", (), notes)


def _of_new_roles(changes: PermissionChanges, words: Words, new: set[str]) -> Iterator[Entry]:
    """All that a role may do that was not there, at once."""
    for role in sorted(new):
        ours = [p for p in changes.widened if role in (p.holder, p.policy_of)]
        statements = together(ours)
        notes = [words.clause(s) for s in statements if s.holder == role]
        trusted = [words.sentence(s, "may", "") for s in statements if s.policy_of == role]
        text = f"{_WIDER}{_capital(words.who(role))} is new and may"
        yield Entry(Mark.DANGER, text, (), (*notes, *trusted))


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


def _boundaries(comparison: Comparison, words: Words, *, is_wider: bool) -> Iterator[Entry]:
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
            yield Entry(Mark.DANGER, f"{_WIDER}{who} now has {what} (before: {old})")
        elif new and not old and not is_wider:
            yield Entry(Mark.REMOVED, f"narrower: {who} now has the permissions boundary {new}")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
