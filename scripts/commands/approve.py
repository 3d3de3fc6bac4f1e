"""`./scripts/approve`: approves or rejects a model package and waits until it serves."""

import argparse
import sys
from typing import Literal

from rich.console import Console

from scripts.commands import stacks
from scripts.commands.aws import aws_session
from scripts.commands.console import parser, run
from scripts.commands.deployments import Deployment, last_update
from scripts.commands.packages import metrics_of, newest_pending


def main(argv: list[str] | None = None) -> int:
    arguments = _arguments(argv)
    return run(lambda console: approve(arguments, console))


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    made = parser(
        "approve",
        "Shows a model package's metrics, approves it, and waits until the endpoint serves it.",
        './scripts/approve --note "better on sevens"',
    )
    made.add_argument(
        "package", metavar="PACKAGE_ARN", nargs="?", help="default: the newest that waits"
    )
    made.add_argument("--reject", action="store_true", help="reject it instead")
    made.add_argument("--note", help="why, kept with the package")
    made.add_argument(
        "--wait",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="wait until the endpoint serves it",
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
    sagemaker = session.client("sagemaker")
    group = stacks.output(session, arguments.environment, "training", "ModelPackageGroupName")
    arn = arguments.package or newest_pending(session, group)
    package = sagemaker.describe_model_package(ModelPackageName=arn)
    console.print(f"Model package {arn} ({package.get('ModelApprovalStatus', 'no status')})")
    if arguments.metrics:
        for name, value in metrics_of(session, package).items():
            console.print(f"  {name}: {value:.4f}")

    serving = stacks.describe(session, arguments.environment, "serving")
    status: Literal["Approved", "Rejected"] = "Rejected" if arguments.reject else "Approved"
    note = {"ApprovalDescription": arguments.note} if arguments.note else {}
    sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus=status, **note)
    console.print(f"{status}.")
    if arguments.reject or not arguments.wait:
        return 0

    _wait(Deployment(session, arguments.environment, arn, last_update(serving)), console)
    return 0


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
