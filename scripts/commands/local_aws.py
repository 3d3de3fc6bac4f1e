"""`./scripts/local-aws`: AWS on this machine, in the background."""

from pathlib import Path

import click
from rich.console import Console

from rehearsal import lifecycle
from rehearsal.modes import Modes, mode_options
from scripts.cli import group, subcommand
from scripts.deployed.session import STATES, shell_line

enforce_iam_option = click.option(
    "--enforce-iam/--no-enforce-iam",
    default=True,
    show_default=True,
    help="refuse what IAM policies don't allow",
)
_state_option = click.option(
    "--state",
    type=click.Path(path_type=Path),
    default=lambda: next(filter(lifecycle.is_running, STATES), STATES[0]),
    show_default="the one that runs, or .rehearsal/aws",
    help="its folder",
)


@group(
    "local-aws",
    example="""./scripts/local-aws start
         eval "$(./scripts/local-aws env)"
         ./scripts/cdk bootstrap && ./scripts/cdk deploy 'dev/*'
         ./scripts/local-aws stop""",
)
def main() -> None:
    """Runs AWS on this machine, in the background."""


@subcommand(main, "start", example="./scripts/local-aws start --port 4566")
@_state_option
@click.option("--port", type=int, help="port on 127.0.0.1 (default: a free one)")
@click.option("--cache", type=click.Path(path_type=Path), help="folder of what rehearsals share")
@enforce_iam_option
@mode_options
def _start(
    console: Console,
    state: Path,
    port: int | None,
    cache: Path | None,
    enforce_iam: bool,
    modes: Modes,
) -> int:
    """Starts it, and tells how to lead a shell to it."""
    led = lifecycle.start(state, port=port, cache=cache, enforce_iam=enforce_iam, modes=modes)
    console.print(f"AWS answers at {led['AWS_ENDPOINT_URL']}; its state is in {state}.")
    console.print(f"Lead a shell to it: {shell_line(state)}")
    return 0


@subcommand(main, "stop", example="./scripts/local-aws stop")
@_state_option
def _stop(console: Console, state: Path) -> int:
    """Stops it; its state is kept."""
    stopped = lifecycle.stop(state)
    console.print("Stopped; its state is kept." if stopped else "None runs.")
    return 0


@subcommand(main, "status", example="./scripts/local-aws status")
@_state_option
def _status(console: Console, state: Path) -> int:
    """Tells where it answers; the exit status is 1 where none runs."""
    pid = lifecycle.running_pid(state)
    if pid is None:
        console.print(f"No rehearsal runs on {state}.")
        return 1
    url = lifecycle.variables(state)["AWS_ENDPOINT_URL"]
    console.print(f"AWS answers at {url} (process {pid}); its log is {state / 'rehearsal.log'}.")
    return 0


@subcommand(main, "env", example='eval "$(./scripts/local-aws env)"')
@_state_option
def _env(console: Console, state: Path) -> int:
    """Prints the variables that lead a shell to it."""
    console.print(lifecycle.exports(lifecycle.variables(state)))
    return 0
