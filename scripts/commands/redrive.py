"""`./scripts/redrive`: sends events that failed to their function again."""

import json

import boto3
import click
from botocore.config import Config
from rich.console import Console

from scripts.cli import command, environment_option
from scripts.console import CommandError, complain, counted, shown
from scripts.deployed import dead_letters
from scripts.deployed.dead_letters import INVISIBLE_SECONDS, DeadLetter, Queue
from scripts.deployed.session import aws_session


@command("redrive", example="./scripts/redrive --dry-run")
@click.option("--dry-run", is_flag=True, help="show them only")
@environment_option
def main(console: Console, environment: str, dry_run: bool) -> int:
    """Shows the events of drops, approvals and comparisons that failed, and sends them again.

    Each goes to its function again. Those that are handled now are deleted, others stay. The exit
    status is 1 where one stays.
    """
    session = aws_session()
    queues = dead_letters.queues(session, environment)
    if not queues:
        raise CommandError(
            f"No function of {environment} keeps failed events: "
            f"run ./scripts/cdk deploy '{environment}/*' first."
        )
    kept = sum(_empty(session, queue, dry_run, console) for queue in queues)
    if kept and not dry_run:
        return complain(
            f"{kept} events failed again and stay: remove the cause that is shown, and run this "
            "command again."
        )
    return 0


def _empty(session: boto3.Session, queue: Queue, dry_run: bool, console: Console) -> int:
    """How many events stay in the queue."""
    letters = list(dead_letters.receive(session, queue))
    console.print(f"{queue.name}: {counted(len(letters), 'failed event')}")
    return sum(not _settle(session, queue, letter, dry_run, console) for letter in letters)


def _settle(
    session: boto3.Session, queue: Queue, letter: DeadLetter, dry_run: bool, console: Console
) -> bool:
    """Whether the event is handled and gone."""
    console.print(f"  {letter.sent:%Y-%m-%d %H:%M:%S} {shown(letter.what)}: {shown(letter.reason)}")
    error = None if dry_run else _send(session, queue, letter)
    sqs = session.client("sqs")
    if dry_run or error:
        # Others may receive it again.
        sqs.change_message_visibility(
            QueueUrl=queue.url, ReceiptHandle=letter.receipt, VisibilityTimeout=0
        )
        if error:
            console.print(f"    failed again: {shown(error)}", style="bold red")
        return False
    sqs.delete_message(QueueUrl=queue.url, ReceiptHandle=letter.receipt)
    console.print("    handled", style="green")
    return True


def _send(session: boto3.Session, queue: Queue, letter: DeadLetter) -> str | None:
    """Why the function failed on it; None where it did not."""
    function = dead_letters.receiver_of(session, queue, letter)
    if function is None:
        return "no function of the queue takes this event"
    patient = Config(read_timeout=INVISIBLE_SECONDS, retries={"max_attempts": 0})
    answer = session.client("lambda", config=patient).invoke(
        FunctionName=function, Payload=json.dumps(letter.event).encode()
    )
    if not answer.get("FunctionError"):
        return None
    said = json.loads(answer["Payload"].read())
    return str(said.get("errorMessage", answer["FunctionError"]))
