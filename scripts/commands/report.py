"""`./scripts/report`: one page that tells of an execution, however it ended."""

import argparse
import sys
from pathlib import Path

from rich.console import Console

from scripts.console import parser, run
from scripts.deployed.pipelines import execution_named
from scripts.deployed.session import aws_session
from scripts.reports.evidence import Evidence
from scripts.reports.run_report import write_report


def main(argv: list[str] | None = None) -> int:
    arguments = _arguments(argv)
    return run(lambda console: report(arguments, console))


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    made = parser(
        "report",
        "Writes one HTML page about an execution of the pipeline, the newest by default: why it\n"
        "failed or rejected its model, its channels, shards, curves, confusion matrix, worst\n"
        "mistakes and times, as far as it came, and answers of the endpoint where it serves its\n"
        "model.",
        "./scripts/report p6ygzhz9qcba -o why-it-failed.html",
    )
    made.add_argument(
        "execution", nargs="?", default="", metavar="EXECUTION", help="its ARN, or its id"
    )
    made.add_argument(
        "-o", "--output", metavar="FILE", type=Path, help="(default: report-<id>.html)"
    )
    return made.parse_args(argv)


def report(arguments: argparse.Namespace, console: Console) -> int:
    """Writes the page; gives the exit status."""
    session = aws_session()
    execution = execution_named(session, arguments.environment, arguments.execution)
    file = (arguments.output or Path(f"report-{execution.rpartition('/')[2]}.html")).absolute()
    tell(write_report(file, session, arguments.environment, execution), file, console)
    return 0


def tell(evidence: Evidence, file: Path, console: Console) -> None:
    """Says how the execution is, and where the page lies."""
    console.print(f"Execution {evidence.execution_arn}: {evidence.status}.")
    if evidence.accuracy is not None:
        console.print(f"Accuracy on the test channel: {evidence.accuracy:.4f}")
    console.print(f"Report: {file}\n        {file.as_uri()}")


if __name__ == "__main__":
    sys.exit(main())
