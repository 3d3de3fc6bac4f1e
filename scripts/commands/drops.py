"""`./scripts/drops`: which drops there are, and what became of each."""

import json
from dataclasses import asdict

import boto3
import click
from rich.console import Console
from rich.table import Table

from scripts.cli import command, environment_option
from scripts.console import STATUS_COLOURS, CommandError, complain, shown
from scripts.deployed import trigger
from scripts.deployed.drop_status import DropStatus, DropStatuses
from scripts.deployed.session import aws_session

SHOWN = 20


@command("drops", example="./scripts/drops 20261123T101500Z-1a2b3c4d")
@click.argument("drop_id", metavar="[ID]", required=False)
@click.option("--all", "show_all", is_flag=True, help=f"more than the newest {SHOWN}")
@click.option("--json", "as_json", is_flag=True, help="one JSON document")
@click.option(
    "--release",
    is_flag=True,
    help="let one more execution begin though as many have as may in 24 hours without a person; "
    "your name is kept",
)
@environment_option
def main(
    console: Console,
    environment: str,
    drop_id: str | None,
    show_all: bool,
    as_json: bool,
    release: bool,
) -> int:
    """Shows what became of each drop, or in full of one.

    That is whether it waits, which execution covers it, which model package came of that, and why
    it failed or waits. docs/trigger.md explains the words.
    """
    session = aws_session()
    if release:
        return _release(session, environment, console)
    statuses = DropStatuses(session, environment)
    if drop_id is not None:
        return _tell_one(statuses, drop_id, as_json, console)
    found = statuses.all()
    listed = found if show_all else found[:SHOWN]
    sized = [statuses.sized(status) for status in listed]
    if as_json:
        console.print(json.dumps([asdict(status) for status in sized], ensure_ascii=False))
        return 0
    if not found:
        console.print("There is no drop yet: ./scripts/drop DIR makes one.")
        return 0
    console.print(_table(sized))
    if len(found) > len(listed):
        console.print(f"{len(found) - len(listed)} older ones are left out: --all shows them.")
    return 0


def _tell_one(statuses: DropStatuses, drop_id: str, as_json: bool, console: Console) -> int:
    found = statuses.one(drop_id)
    if found is None:
        raise CommandError(
            f"There is no drop {shown(drop_id)}, neither in {statuses.folder} nor on record: "
            "./scripts/drops shows all."
        )
    status = statuses.with_put_aside(statuses.sized(found))
    if as_json:
        console.print(json.dumps(asdict(status), ensure_ascii=False))
        return 0
    for name, value in asdict(status).items():
        if value not in {"", None}:
            console.print(f"{name.replace('_', ' ')}: {shown(str(value))}")
    return 0


def _release(session: boto3.Session, environment: str, console: Console) -> int:
    said = trigger.release(session, environment)
    if said["waiting"]:
        return complain(f"{said['waiting']} drops wait on: {said['held']}")
    if not said["runs"]:
        console.print("No drop waits: nothing was released.")
        return 0
    numbers = ", ".join(map(str, said["runs"]))
    console.print(f"Nothing waits any more: run {numbers} goes on. Next: ./scripts/watch")
    return 0


def _table(statuses: list[DropStatus]) -> Table:
    made = Table("drop", "since", "objects", "bytes", "state", "execution", "model", "reason")
    for status in statuses:
        made.add_row(
            shown(status.drop),
            status.since,
            "" if status.objects is None else f"{status.objects:,}",
            "" if status.bytes is None else f"{status.bytes:,}",
            status.state,
            status.execution_arn.rpartition("/")[2],
            status.model_package_arn.rpartition("/")[2],
            shown(status.reason),
            style=STATUS_COLOURS.get(status.state),
        )
    return made
