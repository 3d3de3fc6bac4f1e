"""`python -m scripts.commands NAME WORD ...` is what `./scripts/NAME WORD ...` runs."""

import os
import sys
from importlib import import_module

from click.shell_completion import shell_complete

from scripts.cli import COMPLETE, Command


def main() -> int:
    """Runs the command, or answers the shell that wants to complete one."""
    name, *words = sys.argv[1:]
    module = import_module(f"scripts.commands.{name.replace('-', '_')}")
    command: Command = module.main
    if asked := os.environ.get(COMPLETE):
        return shell_complete(command, {}, f"./scripts/{name}", COMPLETE, asked)
    return command(words)


if __name__ == "__main__":
    sys.exit(main())
