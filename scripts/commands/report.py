"""`./scripts/report`: one page that tells of an execution, however it ended."""

from pathlib import Path

import click
from rich.console import Console

from scripts.cli import command, environment_option
from scripts.deployed.pipelines import execution_named
from scripts.deployed.session import aws_session
from scripts.reports.evidence import Evidence
from scripts.reports.run_report import write_report


@command("report", example="./scripts/report p6ygzhz9qcba -o why-it-failed.html")
@click.argument("execution", required=False, default="")
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="(default: report-<id>.html)",
)
@environment_option
def main(console: Console, environment: str, execution: str, output: Path | None) -> int:
    """Writes one HTML page about an execution of the pipeline, however it ended.

    EXECUTION is its ARN or its id; without it, the newest is meant. The page says why it failed or
    rejected its model, its channels, shards, curves, confusion matrix, worst mistakes and times, as
    far as it came, and answers of the endpoint where it serves its model.
    """
    session = aws_session()
    arn = execution_named(session, environment, execution)
    file = (output or Path(f"report-{arn.rpartition('/')[2]}.html")).absolute()
    tell(write_report(file, session, environment, arn), file, console)
    return 0


def tell(evidence: Evidence, file: Path, console: Console) -> None:
    """Says how the execution is, and where the page lies."""
    console.print(f"Execution {evidence.execution_arn}: {evidence.status}.")
    if evidence.accuracy is not None:
        console.print(f"Accuracy on the test channel: {evidence.accuracy:.4f}")
    console.print(f"Report: {file}\n        {file.as_uri()}")
