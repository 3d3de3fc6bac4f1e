"""What commands are made of: click's commands that give an exit status, and the options they share.

The first line of a command's docstring is its summary, the whole of it its help.
"""

import sys
from collections.abc import Callable, Sequence
from typing import Any

import click
from click.shell_completion import CompletionItem
from rich.console import Console

from scripts import REPOSITORY
from scripts.console import complain, run

COMPLETE = "_SHARDWISE_COMPLETE"
"""Variable by which a shell asks for completions, as `bash_complete`."""


class Command(click.Command):
    """A command: called with the words after its name, it gives its exit status.

    That is 0 or what the command gives, 1 after one sentence where it fails, 2 where it does not
    know the words, 130 on Ctrl-C.

    Attributes:
        example: a line, or several, of what a person types.
    """

    def __init__(self, *args: Any, example: str, **more: Any) -> None:
        more["context_settings"] = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
        super().__init__(*args, **more)
        self.example = example

    def __call__(self, argv: Sequence[str] | None = None) -> int:
        """Runs the command with `argv`, or the words of the process."""
        words = sys.argv[1:] if argv is None else argv
        return run(lambda console: self._status(words, console))

    def execute(self, words: Sequence[str], console: Console) -> int:
        """Runs the command as it is: errors are raised.

        Raises:
            CommandError: it can't go on.
            click.UsageError: it does not know the words.
        """
        with self.make_context(f"./scripts/{self.name}", list(words), obj=console) as context:
            status: int = self.invoke(context)
        return status

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the example as it is, as lines to copy aren't wrapped."""
        formatter.write(f"\nexample: {self.example}\n")

    def _status(self, words: Sequence[str], console: Console) -> int:
        try:
            return self.execute(words, console)
        except click.exceptions.Exit as ended:
            return ended.exit_code
        except click.UsageError as error:
            asked = error.ctx.command_path if error.ctx else f"./scripts/{self.name}"
            return complain(f"{error.format_message()} {asked} --help says more.", error.exit_code)


class Group(Command, click.Group):
    """A command of sub-commands."""

    command_class = Command


def command(name: str, *, example: str) -> Callable[[Callable[..., int]], Command]:
    """Makes `./scripts/<name>` of a function of a console and its options, by their names."""
    return lambda function: click.command(name, cls=Command, example=example)(
        click.pass_obj(function)
    )


def group(name: str, *, example: str) -> Callable[[Callable[..., None]], Group]:
    """Makes `./scripts/<name>` of sub-commands, which `subcommand` adds."""
    return click.group(name, cls=Group, example=example)


def subcommand(
    parent: Group, name: str, *, example: str
) -> Callable[[Callable[..., int]], click.Command]:
    """Makes `./scripts/<parent> <name>` of a function of a console and its options."""
    return lambda function: parent.command(name, example=example)(click.pass_obj(function))


def exclusive(**given: object) -> None:
    """Refuses two of these options at once by click.UsageError; an unset one's value is empty."""
    names = [f"--{name.replace('_', '-')}" for name, value in given.items() if value]
    if len(names) > 1:
        raise click.UsageError(f"{' and '.join(names)} exclude each other: give one of them.")


def _environments(ctx: click.Context, param: click.Parameter, begun: str) -> list[CompletionItem]:
    files = (REPOSITORY / "infra" / "environments").glob("*.toml")
    return [CompletionItem(file.stem) for file in sorted(files) if file.stem.startswith(begun)]


environment_option = click.option(
    "-e",
    "--environment",
    default="dev",
    show_default=True,
    shell_complete=_environments,
    help="dev, staging or prod, or a sandbox like dev-anna",
)


class KeyValue(click.ParamType[tuple[str, str]]):
    """`KEY=VALUE` as a pair; the value may be empty, the key not."""

    name = "KEY=VALUE"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Splits the text at its first `=`."""
        if isinstance(value, tuple):
            return value
        key, equals, rest = value.partition("=")
        if not (key and equals):
            self.fail(f"{value!r} is no setting: write it as {self.name}.", param, ctx)
        return key, rest


context_option = click.option(
    "-c",
    "--context",
    multiple=True,
    type=KeyValue(),
    callback=lambda ctx, param, pairs: dict(pairs),
    help="a setting, as `cdk deploy -c` takes it; may be given again",
)
