"""`./scripts/grants`: what each role of an environment may do, and what of it a rehearsal used."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rich.console import Console

from rehearsal import lifecycle
from rehearsal.authorization.record import read
from rehearsal.grants import Grant, Use, replay
from scripts.console import CommandError, parser, run
from scripts.deployed.roles import DeployedRole, roles_of
from scripts.deployed.session import STATES, aws_session, is_local


def main(argv: list[str] | None = None) -> int:
    arguments = _arguments(argv)
    return run(lambda console: show(arguments, console))


def show(arguments: argparse.Namespace, console: Console) -> int:
    """1 with `--unused` where a grant was not needed."""
    session = aws_session(*([arguments.state] if arguments.state else []))
    if not is_local():
        raise CommandError(
            "The requests are on record in a rehearsal only: run ./scripts/rehearse --keep first "
            "(on AWS, IAM Access Analyzer and CloudTrail have them)."
        )
    state = arguments.state or next(filter(lifecycle.is_running, STATES), None)
    if state is None:
        raise CommandError("No rehearsal of this checkout runs: give its --state.")
    deployed = roles_of(session.client, arguments.environment)
    uses = replay([each.role for each in deployed], read(state))
    shown = 0
    for each in deployed:
        shown += _print(
            each, {grant: uses[grant] for grant in each.role.grants}, arguments, console
        )
    if arguments.unused and not shown:
        console.print("Each grant was needed.")
    return 1 if arguments.unused and shown else 0


def _print(
    each: DeployedRole, uses: dict[Grant, Use], arguments: argparse.Namespace, console: Console
) -> int:
    lines = [
        f"  {_times(use):>24}  {grant}"
        for grant, use in uses.items()
        if not (arguments.unused and use.needed)
    ]
    if lines:
        console.print(f"{each.label} ({each.role.name})")
        for line in lines:
            console.print(line)
    return len(lines)


def _times(use: Use) -> str:
    if not use.uses:
        return "never used"
    return f"used {use.uses}, needed {use.needed}"


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    made = parser(
        "grants",
        "Prints each grant of each role - an action on a resource - with how often this rehearsal\n"
        "used it, and how often nothing else would have allowed the request.",
        "./scripts/grants --environment dev --unused",
    )
    made.add_argument(
        "--unused",
        action="store_true",
        help="only those that no request needed; the exit status is 1 where there are any",
    )
    made.add_argument(
        "--state", type=Path, help="the rehearsal's folder (default: the one that runs)"
    )
    return made.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
