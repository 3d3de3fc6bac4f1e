"""What a reader calls a resource: its path in the app, not its logical id."""

import re
from collections.abc import Iterable

from scripts.reviews.stacks import Resource, Stacks

_HASH = re.compile(r"(?<=.)[0-9A-F]{8}$")
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+")
# What the CDK calls the one resource of a construct.
_NAMELESS = ("Resource", "Default")
# A role by this name is told from others by what it is part of.
_GENERAL = ("Function", "Role", "Service")


class Names:
    """Names of the resources of both sides, so that one resource is called the same in both.

    Where only one side's templates hold the CDK's paths, these count for both.
    """

    def __init__(self, *sides: Stacks) -> None:
        self._paths: dict[tuple[str, str], str] = {}
        for side in sides:
            for resource in side.resources():
                key = (resource.unit, resource.logical_id)
                path = _path(resource)
                self._paths[key] = path or self._paths.get(key) or _readable(resource.logical_id)

    def of(self, unit: str, logical_id: str) -> str:
        """E.g. `Roles/Training`."""
        return self._paths.get((unit, logical_id), logical_id)

    def full(self, resource: Resource) -> str:
        """E.g. `training/Roles/Training (IAM Role)`."""
        name = self.of(resource.unit, resource.logical_id)
        return f"{resource.unit}/{name} ({type_words(resource.type)})"


def role_words(path: str) -> str:
    """E.g. `starter` of `StarterRole`, `emptier function` of `Emptier/FunctionRole`."""
    *parents, last = path.split("/")
    named = re.sub(r"(?<=.)Role$", "", last)
    if named in _GENERAL and parents:
        named = parents[-1] + (named if named != "Role" else "")
    return spaced(named)


def type_words(kind: str) -> str:
    """E.g. `S3 Bucket` of `AWS::S3::Bucket`."""
    return kind.removeprefix("AWS::").removeprefix("Custom::").replace("::", " ")


def spaced(name: str) -> str:
    """E.g. `model package group` of `ModelPackageGroup`."""
    return " ".join(word if word.isupper() else word.lower() for word in _WORDS.findall(name))


def listed(parts: Iterable[str]) -> str:
    """E.g. `a, b and c`."""
    *most, last = list(parts)
    return f"{', '.join(most)} and {last}" if most else last


def _path(resource: Resource) -> str | None:
    path: str | None = resource.metadata.get("aws:cdk:path")
    if path is None:
        return None
    parts = path.split("/")[2:]
    if len(parts) > 1 and parts[-1] in _NAMELESS:
        parts = parts[:-1]
    return "/".join(parts)


def _readable(logical_id: str) -> str:
    return _HASH.sub("", logical_id)
