"""`./scripts/approve`: approves or rejects a model package and waits for what comes of it."""

from typing import TYPE_CHECKING, Any

import boto3
import click
from rich.console import Console

from infra.names import MODEL_PACKAGE_GROUP_NAME
from scripts.cli import command, environment_option
from scripts.deployed import packages, stacks
from scripts.deployed.deployments import Attempts, Deployment
from scripts.deployed.session import aws_session

if TYPE_CHECKING:
    from mypy_boto3_sagemaker.literals import ModelApprovalStatusType


@command(
    "approve",
    example="""./scripts/approve --note "better on sevens"
         ./scripts/approve 3             version 3 again, as the newer one disappoints
         ./scripts/approve 4 --reject    and the one approved before it serves again""",
)
@click.argument("package", metavar="[VERSION]", required=False)
@click.option("--reject", is_flag=True, help="reject it instead")
@click.option("--note", help="why, kept with the package")
@click.option(
    "--wait/--no-wait",
    default=True,
    show_default=True,
    help="wait until the endpoint serves, or a change set waits for a person",
)
@click.option(
    "--metrics/--no-metrics",
    default=True,
    show_default=True,
    help="read and show the metrics first",
)
@environment_option
def main(
    console: Console,
    environment: str,
    package: str | None,
    reject: bool,
    note: str | None,
    wait: bool,
    metrics: bool,
) -> int:
    """Shows a model package's metrics, approves or rejects it, and waits for what comes of it.

    VERSION is the package's number in its group, or its ARN; without it, the newest that waits for
    approval is meant. Of all packages that are approved, the one approved last serves. Ends with 1
    where the update was rolled back, after a sentence that says why.
    """
    session = aws_session()
    group = stacks.output(session, environment, "training", MODEL_PACKAGE_GROUP_NAME)
    arn = _package(session, group, package)
    described = session.client("sagemaker").describe_model_package(ModelPackageName=arn)
    status = described.get("ModelApprovalStatus", "no status")
    console.print(f"Model package {arn} ({status})")
    if metrics:
        for name, value in packages.metrics_of(session, described).items():
            console.print(f"  {name}: {value:.4f}")

    attempts = Attempts.from_now(session, environment)
    waits_for = {arn}
    if reject:
        has_a_place = _has_a_place(session, environment, arn)
        _set(session, arn, "Rejected", note)
        waits_for = _successors(session, group, console) if has_a_place else set()
    else:
        if status == "Approved" and not _serves(session, environment, arn, attempts):
            # AWS does not say whether a status that is set again is an event: it is made to change.
            _set(session, arn, "PendingManualApproval", note)
        _set(session, arn, "Approved", note)
    console.print("Rejected." if reject else "Approved.")
    if wait and waits_for:
        _wait(Deployment(session, environment, waits_for, attempts), console)
    return 0


def _package(session: boto3.Session, group: str, given: str | None) -> str:
    if given is None:
        return packages.newest_pending(session, group)
    return packages.of_version(session, group, int(given)) if given.isdecimal() else given


def _serves(session: boto3.Session, environment: str, arn: str, attempts: Attempts) -> bool:
    """Whether the package serves and nothing is about to take its place."""
    serving = stacks.describe(session, environment, "serving")
    return (
        stacks.outputs_of(serving).get("ModelPackageArn") == arn
        and not serving["StackStatus"].endswith("IN_PROGRESS")
        and not attempts.any_waits()
    )


def _has_a_place(session: boto3.Session, environment: str, arn: str) -> bool:
    """Whether the package serves, or is about to."""
    parameters = stacks.describe(session, environment, "serving").get("Parameters", [])
    return arn in {parameter.get("ParameterValue") for parameter in parameters}


def _successors(session: boto3.Session, group: str, console: Console) -> set[str]:
    """The packages of which one takes the place of a rejected one."""
    others = set(packages.arns(session, group, "Approved"))
    if not others:
        console.print("No other package is approved: it serves on until one is.")
    return others


def _set(
    session: boto3.Session, arn: str, status: "ModelApprovalStatusType", note: str | None
) -> None:
    described: dict[str, Any] = {"ApprovalDescription": note} if note else {}
    session.client("sagemaker").update_model_package(
        ModelPackageArn=arn, ModelApprovalStatus=status, **described
    )


def _wait(deployment: Deployment, console: Console) -> None:
    try:
        if console.is_terminal:
            with console.status("Waiting for the endpoint ...") as status:
                said = deployment.wait(status.update)
        else:
            said = deployment.wait(console.print)
    except KeyboardInterrupt:
        raise KeyboardInterrupt("Interrupted: the deployment goes on without you.") from None
    console.print(said)
