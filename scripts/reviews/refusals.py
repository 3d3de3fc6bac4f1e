"""What CloudFormation would refuse: an export that goes while another stack still imports it.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-exports.html
"""

import json
import re
from collections.abc import Iterator

from scripts.reviews.comparison import Comparison
from scripts.reviews.document import Finding
from scripts.reviews.stacks import Stacks

_IMPORT = re.compile(r'\{"Fn::ImportValue": "([^"]+)"\}')


def refusals(comparison: Comparison) -> Iterator[Finding]:
    """A stack is deployed before its importers, which then still hold the old import."""
    imported = _imports(comparison.before)
    for unit in sorted(comparison.before.templates):
        gone = _exports(comparison.before, unit) - _exports(comparison.after, unit)
        for name in sorted(gone & set(imported)):
            importers = sorted(set(imported[name]) & set(comparison.after.templates))
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
    found: dict[str, list[str]] = {}
    for unit, template in side.templates.items():
        for name in _IMPORT.findall(json.dumps(template)):
            found.setdefault(name, []).append(unit)
    return found
