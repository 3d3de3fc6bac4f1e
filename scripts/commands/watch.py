"""`./scripts/watch`: follows an execution of the pipeline and says how it ended."""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import boto3
import click
from rich.console import Console
from rich.live import Live
from rich.table import Table

from functions.reporter import messages
from functions.reporter.executions import Executions, log_streams
from functions.reporter.reasons import Cause, Ending, judge
from scripts.cli import command, environment_option, exclusive
from scripts.console import STATUS_COLOURS, complain, shown
from scripts.deployed import stacks
from scripts.deployed.logs import STREAMS_SHOWN, Tail, job_of, last_lines
from scripts.deployed.pipelines import ENDED, execution_named, execution_of_drop, steps_of
from scripts.deployed.retry import bill, retry
from scripts.deployed.session import aws_session, poll_seconds
from scripts.deployed.trigger import GOES_ON, Record

if TYPE_CHECKING:
    from mypy_boto3_sagemaker.type_defs import (
        DescribePipelineExecutionResponseTypeDef,
        PipelineExecutionStepTypeDef,
    )

    Steps = list[PipelineExecutionStepTypeDef]

NOTED_SECONDS = 60


@command(
    "watch",
    example="""./scripts/watch --drop 20261123T101500Z-1a2b3c4d --logs
         ./scripts/watch --retry""",
)
@click.option("--execution", metavar="ARN", help="this execution")
@click.option("--drop", metavar="ID", help="the one that covers this drop; waits for it")
@click.option(
    "--follow/--once",
    default=True,
    show_default=True,
    help="until it ends, or say how it is and end",
)
@click.option(
    "--retry", "again", is_flag=True, help="let it go on from what failed, and follow that"
)
@click.option("--logs", "with_logs", is_flag=True, help="log lines of the running jobs too")
@click.option(
    "--patience",
    metavar="SECONDS",
    type=float,
    default=300,
    show_default=True,
    help="how long to wait for a drop's execution",
)
@environment_option
def main(
    console: Console,
    environment: str,
    execution: str | None,
    drop: str | None,
    follow: bool,
    again: bool,
    with_logs: bool,
    patience: float,
) -> int:
    """Follows an execution of the pipeline, the newest by default, and says how it ended.

    The exit status is 0 where it succeeded, or goes on and --once was given, and else 1; with
    --drop it is 1 too where the execution used nothing of the drop. With --retry, one that failed
    or was stopped goes on from what did not succeed; at its end it says which steps ran again, how
    long, and what that cost and saved.
    """
    exclusive(execution=execution, drop=drop)
    session = aws_session()
    arn = execution or _find(session, environment, drop, patience, console)
    console.print(f"Execution {arn}")
    before = retry(session, arn, patience, console) if again else None
    try:
        if console.is_terminal and follow:
            # A table that changes in place; log lines scroll above it.
            with Live(console=console, refresh_per_second=4) as live:
                logs_on = live.console if with_logs else None
                ended = _follow(session, arn, lambda steps: live.update(table(steps)), logs_on)
        else:
            show = _changes_on(console)
            logs_on = console if with_logs else None
            ended = _follow(session, arn, show, logs_on, until_its_end=follow)
    except KeyboardInterrupt:
        raise KeyboardInterrupt("Interrupted: the execution goes on without you.") from None
    if before is not None and ended["PipelineExecutionStatus"] in ENDED:
        bill(session, before, console)
    status = report(session, ended, environment, console)
    if drop and ended["PipelineExecutionStatus"] == "Succeeded":
        return tell_if_unused(session, environment, drop)
    return status


def report(
    session: boto3.Session,
    execution: "DescribePipelineExecutionResponseTypeDef",
    environment: str,
    console: Console,
) -> int:
    """Says how an execution is, with the logs of what failed; gives the exit status."""
    status = execution["PipelineExecutionStatus"]
    if status not in {"Failed", "Stopped"}:
        console.print(f"The execution: {status}.", style=STATUS_COLOURS.get(status))
        return 0
    arn = execution["PipelineExecutionArn"]
    client = session.client("logs")
    read = Executions(session.client("sagemaker")).read(arn)
    endings = judge(read, lambda job: log_streams(client, job))
    for ending in endings:
        _report_ending(session, ending, console)
    if not endings and read.reason:
        console.print(read.reason)
    return complain(f"The execution {status.lower()}: {what_to_do(endings, arn, environment)}")


def what_to_do(endings: Sequence[Ending], arn: str, environment: str) -> str:
    """Where it is described, and how to go on: a retry only where that can help."""
    place = messages.Place(environment, stacks.environment_name(environment), "")
    if any(ending.cause is Cause.VERDICT for ending in endings):
        return f"{place.runbook(messages.REJECTED_MODELS)} says what to do."
    then, command = messages.advice(endings, arn, place)
    ending = f"{then} {command}" if command else f"{then}."
    return f"{place.runbook(messages.FAILED_EXECUTIONS)} says what to do; {ending}"


def _report_ending(session: boto3.Session, ending: Ending, console: Console) -> None:
    for line in messages.ending_lines(ending, session.region_name):
        console.print(line)
    if ending.job is None:
        return
    for stream in ending.streams[:STREAMS_SHOWN]:
        console.print(f"The last lines of {stream}:")
        for line in last_lines(session, ending.job.log_group, stream):
            console.print(f"  {line}")


def tell_if_unused(session: boto3.Session, environment: str, drop_id: str) -> int:
    """A run that succeeded may have used nothing of a drop; gives the exit status."""
    record = Record(session, environment)
    end = time.monotonic() + NOTED_SECONDS
    # The starter notes what became of its drops when it hears of the execution's end.
    while (drop := record.drop(drop_id)) and drop.state in GOES_ON:
        if time.monotonic() > end:
            return 0
        time.sleep(poll_seconds())
    if drop is None or drop.state == "Succeeded":
        return 0
    why = (drop.reason or "./scripts/drops says more").rstrip(".")
    return complain(f"The drop {shown(drop.id)} is {drop.state}: {shown(why)}.")


def _find(
    session: boto3.Session, environment: str, drop: str | None, patience: float, console: Console
) -> str:
    if drop is None:
        return execution_named(session, environment, "")
    console.print(f"Waiting for the execution that covers the drop {shown(drop)} ...")
    return execution_of_drop(session, environment, drop, patience)


def _follow(
    session: boto3.Session,
    execution: str,
    show: "Callable[[Steps], None]",
    logs_on: Console | None,
    *,
    until_its_end: bool = True,
) -> "DescribePipelineExecutionResponseTypeDef":
    sagemaker = session.client("sagemaker")
    tail = Tail(session)
    while True:
        # Before the steps, so that no change of a step is missed when it has ended.
        described = sagemaker.describe_pipeline_execution(PipelineExecutionArn=execution)
        steps = steps_of(session, execution)
        show(steps)
        if logs_on:
            _print_logs(tail, steps, logs_on)
        if described["PipelineExecutionStatus"] in ENDED or not until_its_end:
            return described
        time.sleep(poll_seconds())


def _changes_on(console: Console) -> "Callable[[Steps], None]":
    """Prints a line for each change of a step."""
    statuses: dict[str, str] = {}

    def show(steps: "Steps") -> None:
        for step in steps:
            name, status = step["StepName"], step["StepStatus"]
            if statuses.get(name) != status:
                statuses[name] = status
                after = f" after {duration(step)}" if step.get("EndTime") else ""
                console.print(f"{name}: {status}{after}")

    return show


def table(steps: "Steps") -> Table:
    """A row a step: its name, status and time."""
    made = Table("step", "status", "time")
    for step in steps:
        status = step["StepStatus"]
        made.add_row(step["StepName"], status, duration(step), style=STATUS_COLOURS.get(status))
    return made


def duration(step: "PipelineExecutionStepTypeDef") -> str:
    """How long a step took, or has taken till now: "1 min 05 s"."""
    if "StartTime" not in step:
        return ""
    seconds = int(((step.get("EndTime") or datetime.now(UTC)) - step["StartTime"]).total_seconds())
    minutes, seconds = divmod(max(seconds, 0), 60)
    return f"{minutes} min {seconds:02} s" if minutes else f"{seconds} s"


def _print_logs(tail: Tail, steps: "Steps", console: Console) -> None:
    for step in steps:
        job = job_of(step)
        if job is not None:
            for line in tail.new_lines(job):
                console.print(f"{step['StepName']} {line}")
