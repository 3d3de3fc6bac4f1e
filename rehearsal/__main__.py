"""`python -m rehearsal --state DIR --port N serve`: AWS on this machine, in the foreground."""

import os
import sys
from pathlib import Path

import click

from rehearsal import server
from rehearsal.errors import StartError
from rehearsal.modes import Modes, mode_options
from rehearsal.settings import RehearsalSettings, default_cache

_FOLDER = click.Path(path_type=Path, resolve_path=True)


@click.command(epilog="example: python -m rehearsal --state .rehearsal --port 4566 serve")
@click.option("--state", type=_FOLDER, required=True, help="folder of this rehearsal's data")
@click.option("--port", type=click.IntRange(0, 65535), required=True, help="port on 127.0.0.1")
@click.option(
    "--cache",
    type=_FOLDER,
    default=default_cache(),
    show_default=True,
    help="folder that rehearsals share",
)
@click.option(
    "--enforce-iam/--no-enforce-iam",
    default=True,
    show_default=True,
    help="refuse what the caller's IAM policies don't allow",
)
@mode_options
@click.argument("command", type=click.Choice(["serve"]))
def main(state: Path, port: int, cache: Path, *, enforce_iam: bool, modes: Modes, **_: str) -> None:
    """Runs AWS on this machine, in the foreground, until it is stopped."""
    server.log_to_stderr()
    try:
        server.serve(RehearsalSettings(state, cache, port, modes=modes), enforce_iam=enforce_iam)
    except StartError as error:
        print(error, file=sys.stderr, flush=True)
        # What MiniStack still runs is not waited for; see `server.serve`.
        os._exit(1)


if __name__ == "__main__":
    main()
