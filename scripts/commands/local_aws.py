"""`./scripts/local-aws`: AWS on this machine, in the background."""

from collections.abc import Callable
from dataclasses import fields
from functools import wraps
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from rehearsal import lifecycle
from rehearsal.modes import Modes, chosen
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


def mode_options(function: Callable[..., int]) -> Callable[..., int]:
    """Adds `--unkind` and a flag for each of `Modes`; the function gets them as `modes`."""

    @wraps(function)
    def with_modes(console: Console, /, *, unkind: bool, **given: Any) -> int:
        asked = {each.name: given.pop(each.name) for each in fields(Modes)}
        return function(console, modes=chosen(unkind, asked), **given)

    decorated: Callable[..., int] = with_modes
    for each in reversed(fields(Modes)):
        decorated = _mode_option(each.name, each.metadata)(decorated)
    return click.option(
        "--unkind",
        is_flag=True,
        help="as AWS is at times (docs/rehearsal.md): all of the following; a flag of one beside "
        "it, e.g. `--unkind --late-metrics 10`, wins",
    )(decorated)


def _mode_option(name: str, about: Any) -> Callable[[Callable[..., int]], Callable[..., int]]:
    flag = name.replace("_", "-")
    if about["metavar"] is None:
        return click.option(f"--{flag}/--no-{flag}", default=None, help=about["help"])
    return click.option(
        f"--{flag}",
        type=click.FloatRange(min=0, max=float("inf"), max_open=True),
        metavar=about["metavar"],
        help=f"{about['help']} (with --unkind: {about['unkind']:g})",
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
