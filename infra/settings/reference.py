"""All settings as a table: those of one environment, and docs/settings.md."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from inspect import getdoc
from itertools import groupby
from typing import Any

from infra.settings.environment import ENVIRONMENTS, Settings
from infra.settings.errors import Schema, in_words, is_optional, schemas
from infra.settings.loading import Reading, read

DEFAULT = "default"
_BEGINNING = """\
# Settings

Made by `./scripts/settings --reference > docs/settings.md`; a test says when it is out of date.

`infra/environments/<environment>.toml` holds what differs from the defaults. On the command line
`-c <table>.<key>=<value>` goes before it, for every setting: at the CDK, `./scripts/review`,
`./scripts/rehearse` and `./scripts/settings`, which prints what an environment has and where each
value comes from:

    ./scripts/settings -e prod --changed
    ./scripts/settings -e prod --against dev -c training.hosts=4

A list is written with commas (`-c operations.notify_emails=ops@example.com,anna@example.com`), and
`none` takes away what may be left out. What can't be is refused before anything is synthesised, in
a sentence with the file, the key and what to do. `SHARDWISE_ENVIRONMENTS` names another folder of
files, `SHARDWISE_CACHE` another one than `.cache` for what is made once.
"""
_HEAD = """
| key | may be | default | elsewhere | |
|---|---|---|---|---|
"""


@dataclass(frozen=True)
class Value:
    """One setting of an environment; `source` is `default`, its file or `-c training.hosts`."""

    key: str
    value: Any
    source: str
    description: str


def values(reading: Reading) -> Iterator[Value]:
    """All settings, in the order of the models."""
    given = reading.settings.model_dump(mode="json")
    for key, schema in schemas().items():
        table, _, name = key.rpartition(".")
        value = given[table][name] if table else given[name]
        yield Value(key, value, reading.sources.get(key, DEFAULT), schema["description"])


def shown(value: Any) -> str:
    """A value as the command line takes it; `none` for what has none."""
    match value:
        case None:
            return "none"
        case bool():
            return str(value).lower()
        case list():
            return ", ".join(map(str, value)) or "none"
        case _:
            return str(value)


def page() -> str:
    """docs/settings.md: Markdown, a table for each section."""
    files = {environment: _of_file(environment) for environment in ENVIRONMENTS}
    sections = groupby(schemas().items(), key=lambda item: item[0].rpartition(".")[0])
    return _BEGINNING + "".join(_section(name, rows, files) for name, rows in sections)


def _of_file(environment: str) -> dict[str, str]:
    return {v.key: shown(v.value) for v in values(read(environment)) if v.source != DEFAULT}


def _section(
    name: str, rows: Iterable[tuple[str, Schema]], files: Mapping[str, Mapping[str, str]]
) -> str:
    title, purpose = "At the top of the file", "Where the environment is."
    if name:
        title, purpose = f"[{name}]", getdoc(Settings.model_fields[name].annotation) or ""
    lines = [_row(key, schema, files) for key, schema in rows]
    return f"\n## {title}\n\n{purpose}\n{_HEAD}" + "".join(lines)


def _row(key: str, schema: Schema, files: Mapping[str, Mapping[str, str]]) -> str:
    elsewhere = [
        f"{environment} {given[key]}" for environment, given in files.items() if key in given
    ]
    cells = [
        f"`{key.rpartition('.')[2]}`",
        in_words(schema).replace("|", "\\|") + (" or left out" if is_optional(schema) else ""),
        shown(schema.get("default")),
        ", ".join(elsewhere),
        schema["description"],
    ]
    return f"| {' | '.join(cells)} |\n"
