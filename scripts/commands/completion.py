"""`./scripts/completion`: lets bash complete what a person types."""

import click
from click.shell_completion import BashComplete
from rich.console import Console

from scripts import REPOSITORY
from scripts.cli import COMPLETE, command


def names() -> list[str]:
    """All commands: each is a link to `scripts/command`."""
    return sorted(file.name for file in (REPOSITORY / "scripts").iterdir() if file.is_symlink())


@command("completion", example='eval "$(./scripts/completion)"')
def main(console: Console) -> int:
    """Prints what lets bash complete sub-commands, options and their values.

    It holds for commands that are typed as ./scripts/NAME.
    """
    words = {
        "complete_func": "_shardwise",
        "complete_var": COMPLETE,
        "prog_name": " ".join(f"./scripts/{name}" for name in names()),
    }
    click.echo(BashComplete.source_template % words)
    return 0
