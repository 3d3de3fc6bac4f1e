"""`./scripts/approve`: approves or rejects a model package and waits for what comes of it."""

import argparse
import sys
from collections.abc import Collection
from typing import TYPE_CHECKING

import boto3
from rich.console import Console

from scripts.console import parser, run
from scripts.deployed import packages, stacks
from scripts.deployed.deployments import Attempts, Deployment
from scripts.deployed.session import aws_session

if TYPE_CHECKING:
    from mypy_boto3_sagemaker.literals import ModelApprovalStatusType

_EXAMPLES = """./scripts/approve --note "better on sevens"
         ./scripts/approve 3             version 3 again, as the newer one disappoints
         ./scripts/approve 4 --reject    and the one approved before it serves again"""


def main(argv: list[str] | None = None) -> int:
    arguments = _arguments(argv)
    return run(lambda console: approve(arguments, console))


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    made = parser(
        "approve",
        "Shows a model package's metrics, approves or rejects it, and waits until the endpoint\n"
        "serves what it should. Of all packages that are approved, the one approved last serves.\n"
        "Ends with 1 where the update was rolled back, after a sentence that says why.",
        _EXAMPLES,
    )
    made.add_argument(
        "package",
        metavar="VERSION",
        nargs="?",
        help="number of the package in its group, or its ARN; default: the newest that waits",
    )
    made.add_argument("--reject", action="store_true", help="reject it instead")
    made.add_argument("--note", help="why, kept with the package")
    made.add_argument(
        "--wait",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="wait until the endpoint serves, or a change set waits for a person",
    )
    made.add_argument(
        "--metrics",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="read and show the metrics first",
    )
    return made.parse_args(argv)


def approve(arguments: argparse.Namespace, console: Console) -> int:
    session = aws_session()
    group = stacks.output(session, arguments.environment, "training", "ModelPackageGroupName")
    arn = _package(session, group, arguments.package)
    described = session.client("sagemaker").describe_model_package(ModelPackageName=arn)
    console.print(f"Model package {arn} ({described.get('ModelApprovalStatus', 'no status')})")
    if arguments.metrics:
        for name, value in packages.metrics_of(session, described).items():
            console.print(f"  {name}: {value:.4f}")

    attempts = Attempts.from_now(session, arguments.environment)
    waits_for: Collection[str] = [arn]
    if arguments.reject:
        waits_for = _reject(session, arguments, group, arn, console)
    else:
        again = described.get("ModelApprovalStatus") == "Approved"
        _approve(session, arguments, arn, again and not _serves(session, arguments, arn, attempts))
    console.print("Rejected." if arguments.reject else "Approved.")
    if arguments.wait and waits_for:
        _wait(Deployment(session, arguments.environment, waits_for, attempts), console)
    return 0


def _package(session: boto3.Session, group: str, given: str | None) -> str:
    if given is None:
        return packages.newest_pending(session, group)
    return packages.of_version(session, group, int(given)) if given.isdecimal() else given


def _serves(
    session: boto3.Session, arguments: argparse.Namespace, arn: str, attempts: Attempts
) -> bool:
    """Whether the package serves and nothing is about to take its place."""
    serving = stacks.describe(session, arguments.environment, "serving")
    return (
        stacks.outputs_of(serving).get("ModelPackageArn") == arn
        and not serving["StackStatus"].endswith("IN_PROGRESS")
        and not attempts.any_waits()
    )


def _approve(session: boto3.Session, arguments: argparse.Namespace, arn: str, anew: bool) -> None:
    """Sets the status.

    anew: it has the status already. AWS does not say whether a status that is set again is an
        event, so it is made to change.
    """
    if anew:
        _set(session, arguments, arn, "PendingManualApproval")
    _set(session, arguments, arn, "Approved")


def _reject(
    session: boto3.Session,
    arguments: argparse.Namespace,
    group: str,
    arn: str,
    console: Console,
) -> set[str]:
    """Sets the status and gives those of whom one takes its place, where it has one."""
    parameters = stacks.describe(session, arguments.environment, "serving").get("Parameters", [])
    has_a_place = arn in {parameter.get("ParameterValue") for parameter in parameters}
    _set(session, arguments, arn, "Rejected")
    others = packages.approved(session, group)
    if has_a_place and not others:
        console.print("No other package is approved: it serves on until one is.")
    return others if has_a_place else set()


def _set(
    session: boto3.Session,
    arguments: argparse.Namespace,
    arn: str,
    status: "ModelApprovalStatusType",
) -> None:
    note = {"ApprovalDescription": arguments.note} if arguments.note else {}
    session.client("sagemaker").update_model_package(
        ModelPackageArn=arn, ModelApprovalStatus=status, **note
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


if __name__ == "__main__":
    sys.exit(main())
