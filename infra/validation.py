"""Validates what was synthesised, once: the same assembly by the same rules is what it was.

Validation takes longer than all the rest of a synthesis.
"""

import json
import sys
from pathlib import Path

import aws_cdk as cdk

from infra.cache import INFRA, cached, digest, keep, read

_REPORT = "validation-report.json"


def new_app() -> cdk.App:
    """An app for `synthesise`."""
    # The CDK's own usage metadata would be one more resource in every template.
    return cdk.App(analytics_reporting=False, builtin_cloud_formation_validation=False)


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
    from infra.own_rules import OwnRules  # noqa: PLC0415 - takes seconds

    deployments = [child for child in app.node.children if isinstance(child, Deployment)]
    cdk.Validations.of(app).add_plugins(
        cdk_nag.AwsSolutionsChecks(),
        cdk.CloudFormationValidatePlugin(),
        OwnRules({deployment.node.id: deployment.settings for deployment in deployments}),
    )


def _assembly(folder: Path) -> list[Path]:
    """All but the assets, which are named by their own digest."""
    files = [*folder.glob("*.json"), *folder.glob("assembly-*/*.json")]
    return sorted(file for file in files if file.name != _REPORT)


def _is_clean(report: str) -> bool:
    return all(
        plugin["conclusion"] == "success" and not plugin["violations"]
        for plugin in json.loads(report)["pluginReports"]
    )
