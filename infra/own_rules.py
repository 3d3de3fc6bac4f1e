"""The rules of `infra/rules` as a validation plugin: what they find fails the synthesis."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import aws_cdk as cdk
import jsii

from infra.assembly import UNITS, Template
from infra.costs import load_prices
from infra.rules import Finding
from infra.rules.environments import check_environment
from infra.settings import Settings
from infra.suppressions import unsuppressed
from infra.suppressions.rules import suppressions_of


@jsii.implements(cdk.IPolicyValidationPlugin)
class OwnRules:
    """https://docs.aws.amazon.com/cdk/v2/guide/policy-validation-synthesis.html

    Attributes:
        settings: of each environment, by the id of its stage.
    """

    def __init__(self, settings: Mapping[str, Settings]) -> None:
        self._settings = settings

    @property
    def name(self) -> str:
        return "infra/rules"

    @property
    def rule_ids(self) -> list[str] | None:
        return None

    @property
    def version(self) -> str | None:
        return None

    def validate(self, context: cdk.IPolicyValidationContext) -> cdk.PolicyValidationPluginReport:
        files: dict[str, dict[str, Path]] = defaultdict(dict)
        for file in map(Path, context.template_paths):
            stage = file.parent.name.removeprefix("assembly-")
            files[stage][_unit(file, stage)] = file
        violations = [
            violation
            for stage, by_unit in sorted(files.items())
            for violation in self._violations(self._settings[stage], by_unit)
        ]
        return cdk.PolicyValidationPluginReport(success=not violations, violations=violations)

    def _violations(
        self, settings: Settings, files: Mapping[str, Path]
    ) -> Iterator[cdk.PolicyViolation]:
        templates: dict[str, Template] = {
            unit: json.loads(file.read_text("utf-8")) for unit, file in files.items()
        }
        found = check_environment(templates, region=settings.region, prices=load_prices())
        for finding in unsuppressed(found, suppressions_of(settings)):
            yield _violation(finding, files)


def _unit(file: Path, stage: str) -> str:
    """`data` of `devdata123DEA3C.template.json`."""
    # The CDK leaves the hyphen of dev-anna out of names of files.
    rest = file.name.removeprefix(stage.replace("-", ""))
    return next(unit for unit in UNITS if rest.startswith(unit))


def _violation(finding: Finding, files: Mapping[str, Path]) -> cdk.PolicyViolation:
    unit, _, logical_id = finding.subject.partition("/")
    file = files.get(unit, files["training"])
    return cdk.PolicyViolation(
        rule_name=finding.rule,
        description=finding.sentence,
        severity="error",
        violating_resources=[
            cdk.PolicyViolatingResource(
                resource_logical_id=logical_id or "Pipeline",
                template_path=str(file),
                locations=[finding.path or "."],
            )
        ],
    )
