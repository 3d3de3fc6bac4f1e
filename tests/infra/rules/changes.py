"""Changes of a definition by the paths of its arguments."""

from collections.abc import Callable
from typing import Any

from infra.assembly import Definition

Change = Callable[[Definition], None]
GONE = object()


def argument(step: str, path: str, value: Any = GONE) -> Change:
    """Sets `A.B[0].C` of a step's Arguments, or takes it away."""
    return lambda definition: _put(definition.arguments(step), path, value)


def of_step(step: str, path: str, value: Any = GONE) -> Change:
    """The same of the step itself."""
    return lambda definition: _put(definition.steps[step], path, value)


def of_pipeline(path: str, value: Any = GONE) -> Change:
    """The same of the whole definition."""
    return lambda definition: _put(definition.content, path, value)


def _put(inside: Any, path: str, value: Any) -> None:
    *parents, last = [
        int(part) if part.isdecimal() else part
        for part in path.replace("[", ".").replace("]", "").split(".")
    ]
    for part in parents:
        inside = inside[part]
    if value is GONE:
        del inside[last]
    elif isinstance(inside, list) and last == len(inside):
        inside.append(value)
    else:
        inside[last] = value
