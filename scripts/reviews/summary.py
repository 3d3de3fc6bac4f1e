"""The one line of a review."""

from collections import Counter
from dataclasses import dataclass

from scripts.reviews.costs import Costs
from scripts.reviews.document import Finding, Verdict
from scripts.reviews.iam import Iam
from scripts.reviews.pipelines import PipelineChanges
from scripts.reviews.resources import ResourceChange

_KINDS = {
    "replaced": "REPLACED",
    "perhaps replaced": "PERHAPS REPLACED",
    "destroyed": "DESTROYED",
    "added": "added",
    "changed": "changed",
    "released": "released",
    "not there": "changed that is not deployed now",
}


@dataclass(frozen=True)
class Parts:
    """What the line is about."""

    changes: list[ResourceChange]
    pipeline: PipelineChanges
    iam: Iam
    exposed: tuple[Finding, ...]
    costs: Costs
    verdicts: tuple[Verdict, ...]


def summary(environment: str, parts: Parts) -> str:
    """E.g. `dev: 2 changed · 1 step of the pipeline · permissions WIDER in 1`."""
    if not parts.changes:
        return f"{environment}: nothing changes"
    losses = sum(bool(change.losses) for change in parts.changes)
    steps = len(parts.pipeline.steps)
    said = (
        f"DATA LOSS in {losses}" if losses else "",
        _resources(parts.changes),
        f"{counted(steps, 'step')} of the pipeline changed" if steps else "",
        _permissions(parts.iam),
        f"{counted(len(parts.exposed), 'exposure')} to the network" if parts.exposed else "",
        parts.costs.summary,
        _blocked(parts.verdicts),
    )
    return f"{environment}: {' · '.join(part for part in said if part)}"


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _resources(changes: list[ResourceChange]) -> str:
    counts = Counter(change.kind for change in changes)
    return ", ".join(f"{counts[kind]} {word}" for kind, word in _KINDS.items() if counts[kind])


def _permissions(iam: Iam) -> str:
    said = (
        f"WIDER in {iam.wider}" if iam.wider else "",
        f"narrower in {iam.narrower}" if iam.narrower else "",
    )
    return f"permissions {', '.join(part for part in said if part)}" if any(said) else ""


def _blocked(verdicts: tuple[Verdict, ...]) -> str:
    names = dict.fromkeys(verdict.finding.name for verdict in verdicts)
    return f"BLOCKED by {', '.join(names)}" if names else ""
