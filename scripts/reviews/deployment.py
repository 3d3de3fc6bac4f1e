"""What CloudFormation would refuse, and what a rollback, or the former commit, brings back."""

import json
import re
from collections.abc import Iterator

from scripts.console import counted
from scripts.document import Entry, Mark
from scripts.reviews.comparison import Comparison
from scripts.reviews.losses import holds_data
from scripts.reviews.policy import Finding
from scripts.reviews.resources import ResourceChange
from scripts.reviews.stacks import Stacks

_IMPORT = re.compile(r'\{"Fn::ImportValue": "([^"]+)"\}')
_KEY = "AWS::KMS::Key"
_ENDPOINT = "AWS::SageMaker::Endpoint"
_KEPT = ("Retain", "RetainExceptOnCreate")
_WAITING_DAYS = 30  # of a key where its template says none


def refusals(comparison: Comparison) -> Iterator[Finding]:
    """Exports that go while another stack still imports them.

    A stack is deployed before its importers, which then still hold the old import.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-exports.html
    """
    before, after = comparison.before.stacks, comparison.after.stacks
    imported = _imports(before)
    for unit in sorted(before.templates):
        gone = _exports(before, unit) - _exports(after, unit)
        for name in sorted(gone & set(imported)):
            importers = sorted(set(imported[name]) & set(after.templates))
            if importers:
                yield Finding(
                    "deployment-refused",
                    f"stack {unit} can't drop the export {name.partition(':')[2] or name} while "
                    f"{', '.join(importers)} deployed before import it: deploy twice, first with "
                    "the export kept (export_value), then without",
                )


def _exports(side: Stacks, unit: str) -> set[str]:
    return {
        str(output["Export"]["Name"])
        for output in side.template(unit).get("Outputs", {}).values()
        if "Export" in output
    }


def _imports(side: Stacks) -> dict[str, list[str]]:
    """Units by the name of the export that they import."""
    units: dict[str, list[str]] = {}
    for unit, template in side.templates.items():
        for name in _IMPORT.findall(json.dumps(template)):
            units.setdefault(name, []).append(unit)
    return units


def rollback_entries(comparison: Comparison, changes: list[ResourceChange]) -> Iterator[Entry]:
    """What comes back first, then what does not; empty where nothing changes."""
    if not changes:
        return
    yield from _comes_back(comparison, changes)
    for change in changes:
        yield from (Entry(Mark.DANGER, f"not back: {text}") for text in _lost(comparison, change))
    sooner = [c for c in changes if c.kind == "changed" and c.losses]
    if sooner:
        notes = tuple(f"{comparison.names.full(c.resource)}: {'; '.join(c.losses)}" for c in sooner)
        yield Entry(Mark.DANGER, "not back: what is deleted by then", (), notes)


def _comes_back(comparison: Comparison, changes: list[ResourceChange]) -> Iterator[Entry]:
    changed = [change for change in changes if change.kind == "changed"]
    if changed:
        text = f"back: the former properties of {counted(len(changed), 'resource')}"
        yield Entry(Mark.ADDED, text)
    types = {change.resource.type for change in changed}
    if "AWS::SageMaker::Pipeline" in types:
        note = "executions that run keep the definition that they began with"
        yield Entry(Mark.ADDED, "back: the pipeline's former definition", (), (note,))
    if any(c.resource.unit == "images" for c in changed):
        yield Entry(Mark.ADDED, "back: the former images, which stay in ECR under their digests")
    if types & {_ENDPOINT, "AWS::SageMaker::EndpointConfig", "AWS::SageMaker::Model"}:
        yield Entry(
            Mark.ADDED, "back: the endpoint's former configuration", (), (_model(comparison),)
        )
    added = [change for change in changes if change.kind == "added"]
    left = [c for c in added if c.resource.declared.get("DeletionPolicy") in _KEPT]
    if len(added) > len(left):
        yield Entry(Mark.ADDED, f"taken away again: {len(added) - len(left)} added")
    for change in left:
        name = comparison.names.full(change.resource)
        policy = change.resource.declared["DeletionPolicy"]
        yield Entry(Mark.NOTE, f"stays behind: {name}, as its DeletionPolicy is {policy}")


def _model(comparison: Comparison) -> str:
    served = comparison.before.stacks.parameters.get("serving", {}).get("ModelPackageArn")
    which = f" ({served})" if served else ""
    return f"with the model package that the stack's parameter names{which}; no data is in it"


def _lost(comparison: Comparison, change: ResourceChange) -> Iterator[str]:
    name = comparison.names.full(change.resource)
    if change.kind in ("destroyed", "replaced", "perhaps replaced"):
        yield from _replaced(name, change)
    elif change.kind == "released":
        yield f"{name} stays in the account outside its stack; import it, or a new one is made"


def _replaced(name: str, change: ResourceChange) -> Iterator[str]:
    resource = change.before or change.resource
    if resource.type == _KEY and change.losses:
        days = resource.properties.get("PendingWindowInDays", _WAITING_DAYS)
        yield (
            f"{name}: a new key takes its place, which can't read what the old one encrypted; "
            f"for {days} days aws kms cancel-key-deletion saves the old one"
        )
    elif change.losses:
        yield f"{name}: it is made anew and empty"
    elif resource.type == _ENDPOINT:
        yield f"{name}: it is made anew under its old name, and answers nobody until then"
    elif holds_data(resource) and change.kind != "destroyed":
        yield f"{name}: a new one is made; the present one stays in the account, outside its stack"
    elif change.kind != "destroyed" and resource.type == "AWS::SageMaker::Pipeline":
        yield f"{name}: it is made anew, without the executions on its record"
