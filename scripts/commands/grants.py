"""`./scripts/grants`: what each role of an environment may do, and what of it a rehearsal used."""

from pathlib import Path

import click
from rich.console import Console

from rehearsal import lifecycle
from rehearsal.authorization.record import read
from rehearsal.grants import Grant, Use, replay
from scripts.cli import command, environment_option
from scripts.console import CommandError
from scripts.deployed.session import STATES, aws_session, is_local
from scripts.deployed.stacks import DeployedRole, roles_of


@command("grants", example="./scripts/grants --environment dev --unused")
@click.option(
    "--unused",
    is_flag=True,
    help="only those that no request needed; the exit status is 1 where there are any",
)
@click.option(
    "--state",
    type=click.Path(path_type=Path),
    help="the rehearsal's folder (default: the one that runs)",
)
@environment_option
def main(console: Console, environment: str, unused: bool, state: Path | None) -> int:
    """Prints what each role of an environment may do, and what of it a rehearsal used.

    A line is a grant - an action on a resource - with how often this rehearsal used it, and how
    often nothing else would have allowed the request.
    """
    session = aws_session(*([state] if state else []))
    if not is_local():
        raise CommandError(
            "The requests are on record in a rehearsal only: run ./scripts/rehearse --keep first "
            "(on AWS, IAM Access Analyzer and CloudTrail have them)."
        )
    running = state or next(filter(lifecycle.is_running, STATES), None)
    if running is None:
        raise CommandError("No rehearsal of this checkout runs: give its --state.")
    deployed = roles_of(session.client, environment)
    uses = replay([each.role for each in deployed], read(running))
    printed = 0
    for each in deployed:
        of_role = {grant: uses[grant] for grant in each.role.grants}
        printed += _print(each, of_role, unused, console)
    if unused and not printed:
        console.print("Each grant was needed.")
    return 1 if unused and printed else 0


def _print(each: DeployedRole, uses: dict[Grant, Use], only_unused: bool, console: Console) -> int:
    shown = {grant: use for grant, use in uses.items() if not (only_unused and use.needed)}
    if shown:
        console.print(f"{each.label} ({each.role.name})")
    for grant, use in shown.items():
        times = f"used {use.uses}, needed {use.needed}" if use.uses else "never used"
        console.print(f"  {times:>24}  {grant}")
    return len(shown)
