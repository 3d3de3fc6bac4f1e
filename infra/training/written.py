"""The definition's text, which is written once for the same settings and code, and then kept.

To import the SageMaker SDK takes longer than all the rest of a synthesis.
"""

import dataclasses
import hashlib
import json
import re
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from infra.cache import keep
from infra.training.wiring import Wiring

_INFRA = Path(__file__).parents[1]
CACHE = _INFRA.parent / ".cache" / "definitions"
# All that a definition is written from, but for the wiring itself.
_SOURCES = ("training/**/*.py", "settings/*.py", "volumes.py")
# A number that the CDK gives a token depends on how many it has made before.
_TOKEN = re.compile(r"[$#]\{Token\[[^\]]*\]\}")


def definition_text(name: str, wiring: Wiring, cache: Path = CACHE) -> str:
    """The definition as JSON, with the wiring's tokens inside.

    Args:
        name: the pipeline's name.
        cache: folder of the texts, without tokens; one that can't be written is no error.
    """
    tokens: list[str] = []
    plain = _replace(wiring, tokens)
    file = cache / f"{_digest(name, plain)}.json"
    text = _kept(file)
    if text is None:
        text = _write(name, plain)
        keep(file, text)
    return re.sub(r"\$\{Token\[Deployed\.(\d+)\]\}", lambda found: tokens[int(found[1])], text)


def _replace(value: Any, tokens: list[str]) -> Any:
    """The same value, its tokens numbered in the order in which they are met."""
    match value:
        case str():
            return _TOKEN.sub(lambda found: _numbered(found[0], tokens), value)
        case tuple() | list():
            return type(value)(_replace(part, tokens) for part in value)
        case Mapping():
            return {key: _replace(part, tokens) for key, part in value.items()}
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            replaced = {
                field.name: _replace(getattr(value, field.name), tokens)
                for field in dataclasses.fields(value)
            }
            return dataclasses.replace(value, **replaced)
        case _:
            return value


def _numbered(token: str, tokens: list[str]) -> str:
    if token not in tokens:
        tokens.append(token)
    return f"${{Token[Deployed.{tokens.index(token)}]}}"


def _digest(name: str, wiring: Wiring) -> str:
    made_from = hashlib.sha256()
    for part in (name, version("sagemaker"), *sys.version[:4], json.dumps(_plain(wiring))):
        made_from.update(part.encode() + b"\0")
    for pattern in _SOURCES:
        for file in sorted(_INFRA.glob(pattern)):
            made_from.update(file.relative_to(_INFRA).as_posix().encode() + b"\0")
            made_from.update(file.read_bytes() + b"\0")
    return made_from.hexdigest()


def _plain(value: Any) -> Any:
    """As JSON takes it."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if dataclasses.is_dataclass(value):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    return value


def _write(name: str, wiring: Wiring) -> str:
    from infra.training.offline import offline  # noqa: PLC0415

    # The SDK makes AWS clients while it is imported.
    with offline():
        from infra.training.definition import definition  # noqa: PLC0415

        return definition(name, wiring)


def _kept(file: Path) -> str | None:
    try:
        text = file.read_text("utf-8")
        json.loads(text)
    except (OSError, ValueError):
        return None
    return text
