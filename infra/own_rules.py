"""The rules of `infra/rules` as a validation plugin: what they find fails the synthesis."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import aws_cdk as cdk
import jsii

from infra.assembly import template_files
from infra.costs import load_prices
from infra.rules import Finding
from infra.rules.environments import check_environment
from infra.settings import Settings
from infra.suppressions import unsuppressed
from infra.suppressions.rules import suppressions_of


@jsii.implements(cdk.IPolicyValidationPlugin)
class OwnRules:
    """Our own rules, as the CDK has others' validate what it wrote.

    https://docs.aws.amazon.com/cdk/v2/guide/policy-validation-synthesis.html

    Attributes:
        settings: of each environment, by the id of its stage.
    """

    def __init__(self, settings: Mapping[str, Settings]) -> None:
        self._settings = settings

    @property
    def name(self) -> str:
        """What a report calls these rules."""
        return "infra/rules"

    @property
    def rule_ids(self) -> list[str] | None:
        """Each finding names its rule."""
        return None

    @property
    def version(self) -> str | None:
        """That of the code around them."""
        return None

    def validate(self, context: cdk.IPolicyValidationContext) -> cdk.PolicyValidationPluginReport:
        """What no exception explains, of every environment."""
        folders = sorted({Path(file).parent for file in context.template_paths})
        violations = [violation for folder in folders for violation in self._violations(folder)]
        return cdk.PolicyValidationPluginReport(success=not violations, violations=violations)

    def _violations(self, folder: Path) -> Iterator[cdk.PolicyViolation]:
        settings = self._settings[folder.name.removeprefix("assembly-")]
        files = {
            name.removeprefix(f"{settings.name}-"): file
            for name, file in template_files(folder).items()
        }
        templates = {unit: json.loads(file.read_text("utf-8")) for unit, file in files.items()}
        found = check_environment(templates, region=settings.region, prices=load_prices())
        for finding in unsuppressed(found, suppressions_of(settings)):
            yield _violation(finding, files)


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
