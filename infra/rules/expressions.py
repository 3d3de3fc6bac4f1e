"""Values of a definition that are known only when it runs.

https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-properties.html
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

_FUNCTIONS = ("Get", "Std:Join", "Std:JsonGet")
# Names that begin a reference, e.g. "Steps.ShardImages.ProcessingOutputConfig.Outputs['train']".
_PART = re.compile(r"\.?([^.\[\]]+)|\[(?:'([^']*)'|(\d+))\]")


def is_expression(value: Any) -> bool:
    """Is it `{"Get": …}`, `{"Std:Join": …}` or `{"Std:JsonGet": …}`?"""
    return isinstance(value, Mapping) and len(value) == 1 and next(iter(value)) in _FUNCTIONS


def parts(reference: str) -> list[str]:
    """`Steps.A.B['c'].D` as `["Steps", "A", "B", "c", "D"]`."""
    return [next(filter(None, found)) for found in _PART.findall(reference)]


def beginning(value: Any) -> str:
    """The text that a value certainly begins with; all of it where it is a plain string."""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping) and "Std:Join" in value:
        join = value["Std:Join"]
        known = ""
        for number, part in enumerate(join["Values"]):
            known += (join.get("On", "") if number else "") + beginning(part)
            if not isinstance(part, str):
                break
        return known
    return ""


def references(value: Any) -> Iterator[str]:
    """Every `Get` in a value, whatever it lies in."""
    if isinstance(value, Mapping):
        if is_expression(value) and isinstance(value.get("Get"), str):
            yield value["Get"]
            return
        for member in value.values():
            yield from references(member)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def texts(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """(path, text) of every plain string in a value, those inside expressions too."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, member in value.items():
            yield from texts(member, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from texts(item, f"{path}[{number}]")
