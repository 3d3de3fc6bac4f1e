"""A review: all its sections, its one line, and what blocks."""

from collections.abc import Collection, Iterable

from scripts.reviews.comparison import Comparison
from scripts.reviews.costs import costs
from scripts.reviews.document import Entry, Mark, Review, Section
from scripts.reviews.encryption import encryption_findings
from scripts.reviews.exposures import exposure_findings
from scripts.reviews.files import file_entries
from scripts.reviews.iam import iam
from scripts.reviews.parameters import parameter_entries
from scripts.reviews.pipelines import pipeline_changes
from scripts.reviews.policy import Policy
from scripts.reviews.refusals import refusals
from scripts.reviews.resource_entries import entries, findings
from scripts.reviews.resources import ResourceChange, resource_changes
from scripts.reviews.rollback import rollback_entries
from scripts.reviews.summary import Parts, summary


def review(comparison: Comparison, policy: Policy, allowed: Iterable[str] = ()) -> Review:
    """Compares, judges and words.

    Args:
        allowed: names of findings that don't block for once.

    Raises:
        CommandError: the templates can't be compared.
    """
    changes = resource_changes(comparison)
    resources = tuple(entries(comparison, changes))
    pipeline = pipeline_changes(comparison)
    may, money = iam(comparison), costs(comparison)
    exposed, refused = tuple(exposure_findings(comparison)), tuple(refusals(comparison))
    found = (
        *findings(comparison, changes),
        *pipeline.findings,
        *may.findings,
        *exposed,
        *encryption_findings((*resources, *pipeline.entries)),
        *money.findings,
        *refused,
    )
    verdicts = policy.verdicts(found, allowed)
    sections = (
        Section("Deployment", tuple(Entry(Mark.DANGER, f"REFUSED: {f.text}") for f in refused)),
        Section("Resources", resources),
        Section("Pipeline", pipeline.entries or _same(changes, "Pipeline", pipeline.renamed)),
        Section("Permissions", may.entries or _same(changes, "Permissions")),
        Section("Network", tuple(Entry(Mark.DANGER, f"EXPOSED: {f.text}") for f in exposed)),
        Section("Parameters", tuple(parameter_entries(comparison, pipeline.renamed))),
        Section("Images and functions", tuple(file_entries(comparison))),
        Section("Costs", money.entries if changes else ()),
        Section("Rollback", tuple(rollback_entries(comparison, changes))),
    )
    return Review(
        f"{comparison.environment}: {comparison.before.label} → {comparison.after.label}",
        summary(
            comparison.environment,
            Parts(changes, pipeline, may, exposed, money, verdicts),
        ),
        tuple(section for section in sections if section.entries),
        found,
        verdicts,
    )


def _same(
    changes: Iterable[ResourceChange], title: str, told: Collection[str] = ()
) -> tuple[Entry, ...]:
    """Where what differs means the same, e.g. statements in another order."""
    is_other = any(title in change.elsewhere for change in changes) and not told
    return (Entry(Mark.NOTE, "written otherwise, and means the same"),) if is_other else ()
