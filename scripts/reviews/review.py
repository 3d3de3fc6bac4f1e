"""A review: all its sections, its first line, and what blocks."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from scripts.console import counted
from scripts.document import Document, Entry, Mark, Section
from scripts.reviews.comparison import Comparison
from scripts.reviews.costs import Costs, costs
from scripts.reviews.deployment import refusals, rollback_entries
from scripts.reviews.exposures import encryption_findings, exposure_findings
from scripts.reviews.iam import Iam, iam
from scripts.reviews.pipeline import PipelineChanges, parameter_entries, pipeline_changes
from scripts.reviews.policy import Finding, Policy, Verdict
from scripts.reviews.resources import (
    ResourceChange,
    file_entries,
    resource_changes,
    resource_entries,
    resource_findings,
)

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
class Review(Document):
    """A whole review: what a policy may block, and what of it blocks."""

    findings: tuple[Finding, ...]
    verdicts: tuple[Verdict, ...]

    @property
    def blocking(self) -> dict[str, list[str]] | None:
        """What blocks by the reason why it does; None where nothing could."""
        if not self.findings:
            return None
        reasons: dict[str, list[str]] = {}
        for verdict in self.verdicts:
            reasons.setdefault(verdict.reason, []).append(verdict.finding.text)
        return reasons


@dataclass(frozen=True)
class _Parts:
    changes: list[ResourceChange]
    resources: tuple[Entry, ...]
    pipeline: PipelineChanges
    iam: Iam
    exposed: tuple[Finding, ...]
    refused: tuple[Finding, ...]
    costs: Costs


def review(comparison: Comparison, policy: Policy, allowed: Iterable[str] = ()) -> Review:
    """Compares, judges and words; `allowed` are names of findings that don't block for once."""
    changes = resource_changes(comparison)
    parts = _Parts(
        changes,
        tuple(resource_entries(comparison, changes)),
        pipeline_changes(comparison),
        iam(comparison),
        tuple(exposure_findings(comparison)),
        tuple(refusals(comparison)),
        costs(comparison),
    )
    findings = (
        *resource_findings(comparison, changes),
        *parts.pipeline.findings,
        *parts.iam.findings,
        *parts.exposed,
        *encryption_findings((*parts.resources, *parts.pipeline.entries)),
        *parts.costs.findings,
        *parts.refused,
    )
    verdicts = policy.verdicts(findings, allowed)
    labels = (comparison.before.stacks.label, comparison.after.stacks.label)
    return Review(
        f"{comparison.environment}: {_summary(parts, verdicts)}",
        f"{comparison.environment}: {' → '.join(labels)}",
        tuple(section for section in _sections(comparison, parts) if section.entries),
        findings,
        verdicts,
    )


def _sections(comparison: Comparison, parts: _Parts) -> Iterator[Section]:
    changes, pipeline = parts.changes, parts.pipeline
    yield Section("Settings", tuple(_unknown_settings(comparison)))
    yield Section("Deployment", _loud("REFUSED", parts.refused))
    yield Section("Resources", parts.resources)
    yield Section("Pipeline", pipeline.entries or _same(changes, "Pipeline", pipeline.renamed))
    yield Section("Permissions", parts.iam.entries or _same(changes, "Permissions"))
    yield Section("Network", _loud("EXPOSED", parts.exposed))
    yield Section("Parameters", tuple(parameter_entries(comparison, pipeline.renamed)))
    yield Section("Images and functions", tuple(file_entries(comparison)))
    yield Section("Costs", parts.costs.entries if changes else ())
    yield Section("Rollback", tuple(rollback_entries(comparison, changes)))


def _loud(word: str, findings: Iterable[Finding]) -> tuple[Entry, ...]:
    return tuple(Entry(Mark.DANGER, f"{word}: {finding.text}") for finding in findings)


def _unknown_settings(comparison: Comparison) -> Iterator[Entry]:
    """Those that were given to both sides and only one of them knows."""
    for side in (comparison.before.stacks, comparison.after.stacks):
        for key in side.unknown_settings:
            text = f"{side.label} has no setting {key}: it was synthesised without it"
            yield Entry(Mark.NOTE, text)


def _same(
    changes: Iterable[ResourceChange], title: str, renamed: Collection[str] = ()
) -> tuple[Entry, ...]:
    """Where what differs means the same, e.g. statements in another order."""
    is_other = any(title in change.elsewhere for change in changes) and not renamed
    return (Entry(Mark.NOTE, "written otherwise, and means the same"),) if is_other else ()


def _summary(parts: _Parts, verdicts: tuple[Verdict, ...]) -> str:
    """E.g. `2 changed · 1 step of the pipeline changed · permissions WIDER in 1`."""
    if not parts.changes:
        return "nothing changes"
    kinds = Counter(change.kind for change in parts.changes)
    losses = sum(bool(change.losses) for change in parts.changes)
    steps = len(parts.pipeline.steps)
    permissions = {"WIDER": parts.iam.wider, "narrower": parts.iam.narrower}
    clauses = (
        f"DATA LOSS in {losses}" if losses else "",
        _listed("", (f"{kinds[kind]} {word}" for kind, word in _KINDS.items() if kinds[kind])),
        f"{counted(steps, 'step')} of the pipeline changed" if steps else "",
        _listed("permissions ", (f"{word} in {n}" for word, n in permissions.items() if n)),
        f"{counted(len(parts.exposed), 'exposure')} to the network" if parts.exposed else "",
        parts.costs.summary,
        _listed("BLOCKED by ", dict.fromkeys(verdict.finding.name for verdict in verdicts)),
    )
    return " · ".join(filter(None, clauses))


def _listed(before: str, parts: Iterable[str]) -> str:
    text = ", ".join(parts)
    return f"{before}{text}" if text else ""
