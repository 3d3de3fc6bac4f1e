"""The definition's text, which is written once for the same wiring and code, and then kept.

To import the SageMaker SDK takes longer than all the rest of a synthesis.
"""

import dataclasses
import json
import re
from typing import Any

from pydantic import BaseModel

from infra.cache import INFRA, cached, digest, keep, read
from infra.training.offline import offline
from infra.training.wiring import Wiring

# How many tokens the CDK made before, and so a token's number, is another in each synthesis.
_TOKEN = re.compile(r"[$#]\{Token\[[^\]]*\]\}")
_NUMBERED = re.compile(r"\$\{Token\[Wiring\.(\d+)\]\}")


def definition_text(name: str, wiring: Wiring) -> str:
    """The definition as JSON, with the wiring's tokens inside.

    What is kept has the tokens numbered as they come in it.
    """
    plain = json.dumps(_plain(wiring))
    tokens = list(dict.fromkeys(_TOKEN.findall(plain)))

    def numbered(text: str) -> str:
        return _TOKEN.sub(lambda token: f"${{Token[Wiring.{tokens.index(token[0])}]}}", text)

    file = cached("definitions", digest(INFRA, name, numbered(plain)))
    text = read(file)
    if text is None:
        text = numbered(_write(name, wiring))
        keep(file, text)
    return _NUMBERED.sub(lambda number: tokens[int(number[1])], text)


def _plain(value: Any) -> Any:
    """As JSON takes it."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if dataclasses.is_dataclass(value):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    return value


def _write(name: str, wiring: Wiring) -> str:
    # The SDK makes AWS clients while it is imported.
    with offline():
        from infra.training.definition import definition  # noqa: PLC0415 - takes seconds

        return definition(name, wiring)
