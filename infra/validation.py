"""Validates what was synthesised, once: the same assembly by the same rules is what it was.

Validation takes longer than all the rest of a synthesis.
"""

import functools
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import jsii

from infra.assembly import template_files
from infra.cache import INFRA, cached, digest, keep, read
from infra.costs import load_prices
from infra.rules import Finding
from infra.settings import Settings
from infra.suppressions import unsuppressed
from infra.suppressions.tables import suppressions_of

_REPORT = "validation-report.json"


def new_app(**props: Any) -> cdk.App:
    """An app for `synthesise`."""
    # The CDK's own usage metadata would be one more resource in every template.
    return cdk.App(analytics_reporting=False, builtin_cloud_formation_validation=False, **props)


def synthesise(app: cdk.App) -> None:
    """Writes the assembly; ends the program where a rule is broken, which is printed before.

    The rules are AWS Solutions of cdk-nag, those that the CDK brings, and our own in `infra/rules`,
    but for the suppressions in `infra/suppressions`.
    """
    folder = Path(app.synth().directory)
    clean = cached("validated", digest(INFRA, *_assembly(folder)))
    if (report := read(clean)) is not None:
        (folder / _REPORT).write_text(report, "utf-8")
        return
    _add_rules(app)
    try:
        app.synth(force=True)
    except RuntimeError as error:
        # What jsii makes of each of the CDK's own errors.
        if "ValidationFailed" not in str(error):
            raise
        sys.exit(
            f"shardwise: what was synthesised breaks the rules that {folder / _REPORT} lists: "
            "change it, or say in infra/suppressions/ why it has to be so (docs/guard-rails.md)."
        )
    report = (folder / _REPORT).read_text("utf-8")
    if _is_clean(report):
        keep(clean, report)


def _add_rules(app: cdk.App) -> None:
    # Whatever was found clean before does without these.
    import cdk_nag  # noqa: PLC0415 - takes seconds

    from infra.deployment import Deployment  # noqa: PLC0415 - the app has it already

    deployments = [child for child in app.node.children if isinstance(child, Deployment)]
    cdk.Validations.of(app).add_plugins(
        cdk_nag.AwsSolutionsChecks(),
        _cdk_rules(),
        OwnRules({deployment.node.id: deployment.settings for deployment in deployments}),
    )


@functools.cache
def _cdk_rules() -> cdk.CloudFormationValidatePlugin:
    return cdk.CloudFormationValidatePlugin()  # Takes a second.


def _assembly(folder: Path) -> list[Path]:
    """All but the assets, which are named by their own digest."""
    files = [*folder.glob("*.json"), *folder.glob("assembly-*/*.json")]
    return sorted(file for file in files if file.name != _REPORT)


def _is_clean(report: str) -> bool:
    return all(
        plugin["conclusion"] == "success" and not plugin["violations"]
        for plugin in json.loads(report)["pluginReports"]
    )


@jsii.implements(cdk.IPolicyValidationPlugin)
class OwnRules:
    """Our own rules, as the CDK has others' validate what it wrote.

    https://docs.aws.amazon.com/cdk/v2/guide/policy-validation-synthesis.html

    Args:
        settings: by the id of an environment's stage.
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
        from infra.rules.environments import check_environment  # noqa: PLC0415 - takes seconds

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
