"""Validates what was synthesised, once: the same assembly by the same rules is what it was.

Validation takes longer than all the rest of a synthesis.
"""

import hashlib
import json
import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import aws_cdk as cdk

from infra.cache import keep

_INFRA = Path(__file__).parent
CACHE = _INFRA.parent / ".cache" / "validated"
_REPORT = "validation-report.json"
_RULES = ("aws-cdk-lib", "cdk-nag", "botocore", "detect-secrets")


def new_app() -> cdk.App:
    """An app for `synthesise`."""
    # The CDK's own usage metadata would be one more resource in every template.
    return cdk.App(analytics_reporting=False, builtin_cloud_formation_validation=False)


def synthesise(app: cdk.App, cache: Path = CACHE) -> None:
    """Writes the assembly; ends the program where a rule is broken, which is printed before.

    The rules are AWS Solutions of cdk-nag, those that the CDK brings, and our own in `infra/rules`,
    but for the exceptions in `infra/exceptions`.

    Args:
        cache: folder of the reports of what was found clean.
    """
    folder = Path(app.synth().directory)
    kept = cache / f"{_digest(folder)}.json"
    try:
        shutil.copyfile(kept, folder / _REPORT)
    except OSError:
        pass
    else:
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
            "change it, or say in infra/exceptions/ why it has to be so (docs/guard-rails.md)."
        )
    report = (folder / _REPORT).read_text("utf-8")
    if _is_clean(report):
        keep(kept, report)


def _add_rules(app: cdk.App) -> None:
    # Whatever was found clean before does without these.
    import cdk_nag  # noqa: PLC0415

    from infra.deployment import Deployment  # noqa: PLC0415
    from infra.own_rules import OwnRules  # noqa: PLC0415

    deployments = [child for child in app.node.children if isinstance(child, Deployment)]
    cdk.Validations.of(app).add_plugins(
        cdk_nag.AwsSolutionsChecks(),
        cdk.CloudFormationValidatePlugin(),
        OwnRules({deployment.node.id: deployment.settings for deployment in deployments}),
    )


def _digest(folder: Path) -> str:
    """Of the assembly, of all that could judge it otherwise, and of what explains exceptions."""
    made_from = hashlib.sha256(sys.version.encode())
    for package in _RULES:
        made_from.update(f"{package} {version(package)}\0".encode())
    for root, file in _files(folder):
        made_from.update(f"{file.relative_to(root).as_posix()}\0".encode())
        made_from.update(file.read_bytes() + b"\0")
    return made_from.hexdigest()


def _files(folder: Path) -> Iterator[tuple[Path, Path]]:
    # An asset is a folder that is named by its own digest.
    assembly = [*folder.glob("*.json"), *folder.glob("assembly-*/*.json")]
    judging = [*_INFRA.rglob("*.py"), *_INFRA.glob("costs/*.toml")]
    for root, files in ((_INFRA, judging), (folder, assembly)):
        yield from ((root, file) for file in sorted(files) if file.name != _REPORT)


def _is_clean(report: str) -> bool:
    return all(
        plugin["conclusion"] == "success" and not plugin["violations"]
        for plugin in json.loads(report)["pluginReports"]
    )
