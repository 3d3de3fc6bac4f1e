"""The reference page of all settings, from their models: docs/settings.md."""

from collections.abc import Iterable, Mapping
from inspect import getdoc
from itertools import groupby

from infra.settings import limits
from infra.settings.environment import ENVIRONMENTS, Settings
from infra.settings.errors import Schema, keys
from infra.settings.loading import read
from infra.settings.overrides import OVERRIDES
from infra.settings.values import DEFAULT, shown, values

_BEGINNING = """\
# Settings

Made by `./scripts/settings --reference > docs/settings.md`; a test says when it is out of date.

`infra/environments/<environment>.toml` holds what differs from the defaults, and
`-c <key>=<value>` goes before it, at the CDK and at `./scripts/settings`, which prints what an
environment has and where each value comes from:

    ./scripts/settings prod --changed
    ./scripts/settings prod --against dev -c training_hosts=4

What can't be is refused before anything is made, in a sentence with the file, the key and what to
do.
"""
_HEAD = """
| key | may be | default | elsewhere | `-c` | |
|---|---|---|---|---|---|
"""


def page() -> str:
    """Markdown: a table for each section."""
    schemas = {key: schema for key, schema in keys(Settings).items() if key != "environment"}
    files = {environment: _from_file(environment) for environment in ENVIRONMENTS}
    sections = groupby(schemas.items(), key=lambda item: item[0].rpartition(".")[0])
    return _BEGINNING + "".join(_section(name, rows, files) for name, rows in sections)


def _from_file(environment: str) -> dict[str, str]:
    return {v.key: shown(v.value) for v in values(read(environment)) if v.source != DEFAULT}


def _section(
    name: str, rows: Iterable[tuple[str, Schema]], files: Mapping[str, Mapping[str, str]]
) -> str:
    title, said = "At the top of the file", "Where the environment is."
    if name:
        title, said = f"[{name}]", getdoc(Settings.model_fields[name].annotation) or ""
    lines = [_row(key, schema, files) for key, schema in rows]
    return f"\n## {title}\n\n{said}\n{_HEAD}" + "".join(lines)


def _row(key: str, schema: Schema, files: Mapping[str, Mapping[str, str]]) -> str:
    elsewhere = [
        f"{environment} {given[key]}" for environment, given in files.items() if key in given
    ]
    cells = [
        f"`{key.rpartition('.')[2]}`",
        limits.in_words(schema).replace("|", "\\|")
        + (" or left out" if limits.is_optional(schema) else ""),
        shown(schema.get("default")),
        ", ".join(elsewhere),
        _override(key),
        schema["description"],
    ]
    return f"| {' | '.join(cells)} |\n"


def _override(key: str) -> str:
    names = [name for name, path in OVERRIDES.items() if ".".join(path) == key]
    return f"`{names[0]}`" if names else "`qualifier`" if key == "qualifier" else ""
