"""`python -m rehearsal --state DIR --port N serve`: AWS on this machine, in the foreground."""

import argparse
import os
import sys
from pathlib import Path

from rehearsal import modes, server
from rehearsal.settings import RehearsalSettings, default_cache


def main(argv: list[str] | None = None) -> int:
    """Serves until it is stopped; 1 where it could not start."""
    given = _parser().parse_args(argv)
    settings = RehearsalSettings(
        given.state.resolve(),
        given.cache.resolve(),
        given.port,
        modes=modes.from_arguments(given),
    )
    server.log_to_stderr()
    try:
        server.serve(settings, enforce_iam=given.enforce_iam)
    except server.StartError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m rehearsal",
        description=__doc__,
        epilog="example: python -m rehearsal --state .rehearsal --port 4566 serve",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--state", type=Path, required=True, help="folder of this rehearsal's data")
    parser.add_argument("--port", type=int, required=True, help="port on 127.0.0.1")
    parser.add_argument(
        "--cache",
        type=Path,
        default=default_cache(),
        help="folder that rehearsals share (default: %(default)s)",
    )
    parser.add_argument(
        "--enforce-iam",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="refuse what the caller's IAM policies don't allow (default: yes)",
    )
    modes.add_arguments(parser)
    parser.add_argument("command", choices=["serve"])
    return parser


if __name__ == "__main__":
    status = main()
    sys.stderr.flush()
    # What MiniStack still runs is not waited for; see `server.serve`.
    os._exit(status)
