"""`./scripts/settings`: what an environment is set to, and where each value comes from."""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator

from rich.console import Console

from infra.settings import SettingsError, read
from infra.settings.reference import DEFAULT, Value, page, shown, values
from scripts.console import CommandError, parser_of, run

_DESCRIPTION = """\
Prints all settings of an environment, and where each value comes from: its default, the
environment's file or the command line. With --against, what is otherwise in another environment."""
_EXAMPLE = "./scripts/settings prod --against dev -c training.hosts=4"


def main(argv: list[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    return run(lambda console: _settings(arguments, console))


def _parser() -> argparse.ArgumentParser:
    made = parser_of("settings", _DESCRIPTION, _EXAMPLE)
    made.add_argument("--against", metavar="OTHER", help="another environment to compare with")
    made.add_argument(
        "-c", dest="context", metavar="KEY=VALUE", action="append", default=[], help="as the CDK's"
    )
    made.add_argument("--changed", action="store_true", help="only what is not the default")
    made.add_argument("--describe", action="store_true", help="with what each setting is for")
    made.add_argument("--json", action="store_true", help="one JSON document")
    made.add_argument("--reference", action="store_true", help="docs/settings.md, of all of them")
    return made


def _settings(arguments: argparse.Namespace, console: Console) -> int:
    try:
        if arguments.reference:
            sys.stdout.write(page())
            return 0
        context = _context(arguments.context)
        ours = list(values(read(arguments.environment, context)))
        other = arguments.against and list(values(read(arguments.against, context)))
    except SettingsError as error:
        raise CommandError(str(error)) from error
    if other:
        _print_comparison(arguments, ours, other, console)
        return 0
    chosen = [value for value in ours if value.source != DEFAULT or not arguments.changed]
    if arguments.json:
        said = {value.key: {"value": value.value, "source": value.source} for value in chosen}
        console.print(json.dumps(said, indent=2))
        return 0
    rows = [(value.key, shown(value.value), value.source) for value in chosen]
    _print_rows(rows, chosen if arguments.describe else None, console)
    return 0


def _context(given: Iterable[str]) -> dict[str, str]:
    pairs = {}
    for pair in given:
        key, equals, value = pair.partition("=")
        if not key or not equals:
            raise CommandError(f"-c {pair} is no setting: give it as key=value.")
        pairs[key] = value
    return pairs


def _print_comparison(
    arguments: argparse.Namespace, ours: list[Value], others: list[Value], console: Console
) -> None:
    names = arguments.environment, arguments.against
    differ = [
        (mine, theirs)
        for mine, theirs in zip(ours, others, strict=True)
        if mine.value != theirs.value
    ]
    if arguments.json:
        said = {
            mine.key: {
                name: {"value": value.value, "source": value.source}
                for name, value in zip(names, (mine, theirs), strict=True)
            }
            for mine, theirs in differ
        }
        console.print(json.dumps(said, indent=2))
        return
    rows = [
        (
            mine.key,
            f"{shown(mine.value)} ({mine.source})",
            f"{shown(theirs.value)} ({theirs.source})",
        )
        for mine, theirs in differ
    ]
    described = [mine for mine, _ in differ] if arguments.describe else None
    _print_rows(rows, described, console, head=("", *names))


def _print_rows(
    rows: list[tuple[str, str, str]],
    described: list[Value] | None,
    console: Console,
    head: tuple[str, str, str] | None = None,
) -> None:
    """Args:
    described: the settings of the rows, whose descriptions go below them.
    """
    wide = [
        max((len(row[i]) for row in [*rows, *([head] if head else [])]), default=0) for i in (0, 1)
    ]
    for line in _lines([head] if head else [], wide):
        console.print(line)
    for number, line in enumerate(_lines(rows, wide)):
        console.print(line)
        if described:
            console.print(f"    {described[number].description}")


def _lines(rows: Iterable[tuple[str, str, str]], wide: list[int]) -> Iterator[str]:
    for key, first, second in rows:
        yield f"{key:{wide[0]}}  {first:{wide[1]}}  {second}"


if __name__ == "__main__":
    sys.exit(main())
