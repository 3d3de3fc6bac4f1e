"""The section on IAM: who may now do what and who no longer, and what a policy may block of it.

@aws-cdk/cloudformation-diff, which `impacts.js` loads, has a verdict of its own
(`permissionsBroadened`); it takes every added statement for a broader one and says no sentences.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from scripts.document import Entry, Mark
from scripts.reviews.comparison import Comparison, Side
from scripts.reviews.iam_policies import EVERYONE, Permission, all_permissions
from scripts.reviews.iam_sentences import Sentences, grouped
from scripts.reviews.policy import Finding

_WIDER = "WIDER: "
_NARROWER = "narrower: "


@dataclass(frozen=True)
class Iam:
    """What a review says of IAM: entries, widened first, and how many widen and narrow."""

    entries: tuple[Entry, ...]
    findings: tuple[Finding, ...]
    wider: int
    narrower: int


@dataclass(frozen=True)
class _Changes:
    """What widens or narrows, and what had a policy or permissions and is gone."""

    widened: tuple[Permission, ...]
    narrowed: tuple[Permission, ...]
    gone: tuple[str, ...]


def iam(comparison: Comparison) -> Iam:
    """Compares who may do what."""
    changes = _changes(comparison)
    old, new = _roles(comparison.before), _roles(comparison.after)
    sentences = Sentences((old | new).__contains__)
    wider = [
        *_new_role_entries(changes, sentences, new - old),
        *_statement_entries(changes.widened, sentences, Mark.DANGER, new - old),
        *_boundaries(comparison, sentences, is_wider=True),
    ]
    narrower = [
        *_statement_entries(changes.narrowed, sentences, Mark.REMOVED, set()),
        *_boundaries(comparison, sentences, is_wider=False),
        *(
            Entry(
                Mark.REMOVED,
                f"{_NARROWER}{_capital(sentences.who(holder))} is gone with all it might do",
            )
            for holder in changes.gone
        ),
    ]
    widening = (Finding("iam-widening", entry.text.removeprefix(_WIDER)) for entry in wider)
    return Iam((*wider, *narrower), (*widening, *_public(changes)), len(wider), len(narrower))


def _changes(comparison: Comparison) -> _Changes:
    """Compares all policies; what is new and covered by what was there widens nothing."""
    old, new = all_permissions(comparison.before), all_permissions(comparison.after)
    added, removed = _beyond(new, old), _beyond(old, new)
    here, there = _references(comparison.after), _references(comparison.before)
    gone = there - here
    denied = [p for p in new if p.is_denied and not p.conditions]
    widened = [p for p in added if not p.is_denied and not _is_denied(p, denied)]
    # A denial on what is gone, or for whom is gone, protects nothing any more.
    widened += [p for p in removed if p.is_denied and not _touches(p, gone)]
    narrowed = [p for p in removed if not p.is_denied and not _touches(p, gone)]
    narrowed += [p for p in added if p.is_denied and not _touches(p, here - there)]
    return _Changes(
        tuple(sorted(widened)),
        tuple(sorted(narrowed)),
        tuple(sorted({p.holder for p in removed if p.holder in gone and not p.policy_of})),
    )


def _beyond(some: set[Permission], others: set[Permission]) -> list[Permission]:
    """Those that nothing on the other side covers, without those that one of them covers."""
    new = sorted(p for p in some - others if not any(other.covers(p) for other in others))
    return [
        p
        for p in new
        if not any(other != p and other.covers(p) and not p.covers(other) for other in new)
    ]


def _is_denied(permission: Permission, denials: Iterable[Permission]) -> bool:
    return any(replace(denial, is_denied=False).covers(permission) for denial in denials)


def _references(side: Side) -> set[str]:
    return {side.names.reference(resource) for resource in side.resources.values()}


def _touches(permission: Permission, references: set[str]) -> bool:
    return permission.holder in references or permission.policy_of in references


def _roles(side: Side) -> set[str]:
    roles = (resource for resource in side.resources.values() if resource.type == "AWS::IAM::Role")
    return {side.names.reference(role) for role in roles}


def _statement_entries(
    permissions: Iterable[Permission], sentences: Sentences, mark: Mark, new_roles: set[str]
) -> Iterator[Entry]:
    """An entry a sentence; what is about new roles is left to `_new_role_entries`."""
    is_wider = mark is Mark.DANGER
    verbs = ("may now", "is no longer forbidden to")
    other_verbs = ("may no longer", "is now forbidden to")
    for permission in grouped(permissions):
        if {permission.holder, permission.policy_of} & new_roles:
            continue
        text = sentences.sentence(permission, *(verbs if is_wider else other_verbs))
        exactly = "" if permission.is_inverted else ", ".join(permission.actions)
        notes = (exactly,) if ":" in exactly else ()
        yield Entry(mark, f"{_WIDER if is_wider else _NARROWER}{text}", (), notes)


def _new_role_entries(
    changes: _Changes, sentences: Sentences, new_roles: set[str]
) -> Iterator[Entry]:
    """All that a role may do that was not there, at once."""
    for role in sorted(new_roles):
        permissions = grouped(p for p in changes.widened if role in (p.holder, p.policy_of))
        notes = [sentences.clause(p) for p in permissions if p.holder == role]
        trusted = [sentences.sentence(p, "may", "") for p in permissions if p.policy_of == role]
        text = f"{_WIDER}{_capital(sentences.who(role))} is new and may"
        yield Entry(Mark.DANGER, text, (), (*notes, *trusted))


def _public(changes: _Changes) -> Iterator[Finding]:
    """Whoever is everyone comes from the network."""
    open_to_all = [
        p
        for p in changes.widened
        if p.holder == EVERYONE and not p.is_denied and not p.conditions and p.policy_of
    ]
    for place in sorted({p.policy_of for p in open_to_all}):
        yield Finding("network-exposure", f"the policy of {place} lets everyone in")


def _boundaries(comparison: Comparison, sentences: Sentences, *, is_wider: bool) -> Iterator[Entry]:
    """A boundary that goes widens; one that comes narrows; another one is to be looked at."""
    for before, after in comparison.both:
        if after.type != "AWS::IAM::Role":
            continue
        old = comparison.before.properties(before).get("PermissionsBoundary")
        new = comparison.after.properties(after).get("PermissionsBoundary")
        who = _capital(sentences.who(comparison.names.reference(after)))
        if old and old != new and is_wider:
            what = f"another permissions boundary: {new}" if new else "no permissions boundary"
            yield Entry(Mark.DANGER, f"{_WIDER}{who} now has {what} (before: {old})")
        elif new and not old and not is_wider:
            text = f"{_NARROWER}{who} now has the permissions boundary {new}"
            yield Entry(Mark.REMOVED, text)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
