"""The definition's text, which is written once for the same wiring and code, and then kept.

To import the SageMaker SDK takes longer than all the rest of a synthesis.
"""

import dataclasses
import json
from typing import Any

from pydantic import BaseModel

from infra.cache import INFRA, cached, digest, keep, read
from infra.training.offline import offline
from infra.training.wiring import Wiring


def definition_text(name: str, wiring: Wiring) -> str:
    """The definition as JSON, with the wiring's tokens inside.

    Args:
        name: the pipeline's name.
        wiring: its tokens are part of what is kept: the CDK numbers them alike in every synthesis
            of the same environments.
    """
    file = cached("definitions", digest(INFRA, name, json.dumps(_plain(wiring))))
    text = read(file)
    if text is None:
        text = _write(name, wiring)
        keep(file, text)
    return text


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
