"""`./scripts/local-aws`: AWS on this machine, in the background."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rich.console import Console

from rehearsal import lifecycle, modes
from scripts.console import complain, run
from scripts.deployed.session import STATES, shell_line

_EXAMPLE = """example:
  ./scripts/local-aws start
  eval "$(./scripts/local-aws env)"
  ./scripts/cdk bootstrap && ./scripts/cdk deploy 'dev/*'
  ./scripts/local-aws stop"""


def main(argv: list[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    try:
        return run(lambda console: _act(arguments, console))
    except lifecycle.LifecycleError as error:
        return complain(str(error))


def _act(arguments: argparse.Namespace, console: Console) -> int:
    state: Path = arguments.state
    match arguments.action:
        case "start":
            led = lifecycle.start(
                state,
                port=arguments.port,
                cache=arguments.cache,
                enforce_iam=arguments.enforce_iam,
                modes=modes.from_arguments(arguments),
            )
            console.print(f"AWS answers at {led['AWS_ENDPOINT_URL']}; its state is in {state}.")
            console.print(f"Lead a shell to it: {shell_line(state)}")
        case "stop":
            stopped = lifecycle.stop(state)
            console.print("Stopped; its state is kept." if stopped else "None runs.")
        case "status":
            return _status(state, console)
        case _:
            console.print(lifecycle.exports(lifecycle.variables(state)))
    return 0


def _status(state: Path, console: Console) -> int:
    pid = lifecycle.running_pid(state)
    if pid is None:
        console.print(f"No rehearsal runs on {state}.")
        return 1
    url = lifecycle.variables(state)["AWS_ENDPOINT_URL"]
    console.print(f"AWS answers at {url} (process {pid}); its log is {state / 'rehearsal.log'}.")
    return 0


def _parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="./scripts/local-aws",
        description="AWS on this machine, in the background. status is 1 where none runs.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("action", choices=["start", "stop", "status", "env"])
    made.add_argument(
        "--state",
        type=Path,
        default=next(filter(lifecycle.is_running, STATES), STATES[0]),
        help="its folder (default: the one that runs, %(default)s)",
    )
    made.add_argument("--port", type=int, help="port on 127.0.0.1 (default: a free one)")
    made.add_argument("--cache", type=Path, help="folder of what rehearsals share")
    made.add_argument(
        "--enforce-iam",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="refuse what IAM policies don't allow (default: yes)",
    )
    modes.add_arguments(made)
    return made


if __name__ == "__main__":
    sys.exit(main())
