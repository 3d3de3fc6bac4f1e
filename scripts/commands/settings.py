"""`./scripts/settings`: what an environment is set to, and where each value comes from."""

import json
import sys
from itertools import zip_longest
from typing import Any

import click
from rich.console import Console

from infra.settings import SettingsError, read
from infra.settings.reference import DEFAULT, Value, page, shown, values
from scripts.cli import command, context_option, environment_option
from scripts.console import CommandError


@command("settings", example="./scripts/settings -e prod --against dev -c training.hosts=4")
@click.option("--against", metavar="OTHER", help="another environment to compare with")
@context_option
@click.option("--changed", is_flag=True, help="only what is not the default")
@click.option("--describe", is_flag=True, help="with what each setting is for")
@click.option("--json", "as_json", is_flag=True, help="one JSON document")
@click.option("--reference", is_flag=True, help="docs/settings.md, of all of them")
@environment_option
def main(
    console: Console,
    environment: str,
    against: str | None,
    context: dict[str, str],
    changed: bool,
    describe: bool,
    as_json: bool,
    reference: bool,
) -> int:
    """Prints all settings of an environment, and where each value comes from.

    That is its default, the environment's file or the command line. With --against, only what is
    otherwise in another environment.
    """
    if reference:
        sys.stdout.write(page())
        return 0
    try:
        ours = list(values(read(environment, context)))
        theirs = list(values(read(against, context))) if against else []
    except SettingsError as error:
        raise CommandError(str(error)) from error
    if against:
        differ = [pair for pair in zip(ours, theirs, strict=True) if pair[0].value != pair[1].value]
        _print_comparison((environment, against), differ, console, describe, as_json)
        return 0
    chosen = [value for value in ours if value.source != DEFAULT or not changed]
    if as_json:
        _print_json({value.key: _pair(value) for value in chosen}, console)
        return 0
    rows = [(value.key, shown(value.value), value.source) for value in chosen]
    _print_rows(rows, chosen if describe else None, console)
    return 0


def _print_comparison(
    names: tuple[str, str],
    differ: list[tuple[Value, Value]],
    console: Console,
    describe: bool,
    as_json: bool,
) -> None:
    """Prints the settings of two environments that differ."""
    if as_json:
        both = {a.key: dict(zip(names, map(_pair, (a, b)), strict=True)) for a, b in differ}
        _print_json(both, console)
        return
    rows = [
        (a.key, f"{shown(a.value)} ({a.source})", f"{shown(b.value)} ({b.source})")
        for a, b in differ
    ]
    described = [mine for mine, _ in differ] if describe else None
    _print_rows(rows, described, console, head=("", *names))


def _pair(value: Value) -> dict[str, Any]:
    return {"value": value.value, "source": value.source}


def _print_json(document: Any, console: Console) -> None:
    console.print(json.dumps(document, indent=2))


def _print_rows(
    rows: list[tuple[str, str, str]],
    described: list[Value] | None,
    console: Console,
    head: tuple[str, str, str] | None = None,
) -> None:
    """Prints rows in columns; below each its setting's description, if `described` is given."""
    lines = [head, *rows] if head else rows
    descriptions = [value.description for value in described or []]
    wide = [max((len(line[i]) for line in lines), default=0) for i in (0, 1)]
    for line, description in zip_longest(lines, [""] * bool(head) + descriptions):
        key, first, second = line
        console.print(f"{key:{wide[0]}}  {first:{wide[1]}}  {second}")
        if description:
            console.print(f"    {description}")
