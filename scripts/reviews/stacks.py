"""The templates of an environment, deployed or synthesised, and names of their resources."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Template = dict[str, Any]

_HASH = re.compile(r"(?<=.)[0-9A-F]{8}$")
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+")
# What the CDK calls the one resource of a construct.
_NAMELESS = ("Resource", "Default")
# A role by this name is told from others by what it is part of.
_GENERAL = ("Function", "Role", "Service")


@dataclass(frozen=True)
class Resource:
    """A resource as a template declares it."""

    unit: str
    logical_id: str
    declared: Mapping[str, Any]

    @property
    def key(self) -> tuple[str, str]:
        """Unit and logical id, which nothing else of an environment has."""
        return self.unit, self.logical_id

    @property
    def type(self) -> str:
        """E.g. `AWS::S3::Bucket`."""
        return str(self.declared["Type"])

    @property
    def properties(self) -> Mapping[str, Any]:
        """With CloudFormation's functions in them."""
        properties: Mapping[str, Any] = self.declared.get("Properties", {})
        return properties

    @property
    def metadata(self) -> Mapping[str, Any]:
        """What the CDK and this app noted on it."""
        metadata: Mapping[str, Any] = self.declared.get("Metadata", {})
        return metadata


@dataclass(frozen=True)
class Stacks:
    """The stacks of one environment, by unit.

    Attributes:
        label: what they are, as a reader names them, e.g. `main (1a2b3c4)`.
        parameters: the values that are deployed; empty where nothing is.
        unknown_settings: names of settings that were left out, as the tree does not have them.
    """

    label: str
    templates: Mapping[str, Template]
    parameters: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    unknown_settings: tuple[str, ...] = ()

    def resources(self) -> Iterator[Resource]:
        """Every resource, in the order of units and of logical ids."""
        for unit in sorted(self.templates):
            resources = self.templates[unit].get("Resources", {})
            for logical_id in sorted(resources):
                yield Resource(unit, logical_id, resources[logical_id])

    def template(self, unit: str) -> Template:
        """An empty one where there is no such stack."""
        return self.templates.get(unit, {})


class Names:
    """Names of the resources of both sides, so that one resource is called the same in both.

    A name is the resource's path in the app. Where only one side's templates hold the CDK's paths,
    these count for both.
    """

    def __init__(self, *sides: Stacks) -> None:
        self._paths: dict[tuple[str, str], str] = {}
        for side in sides:
            for resource in side.resources():
                path = _path(resource) or self._paths.get(resource.key)
                self._paths[resource.key] = path or _HASH.sub("", resource.logical_id)

    def path(self, unit: str, logical_id: str) -> str:
        """E.g. `Roles/Training`."""
        return self._paths.get((unit, logical_id), logical_id)

    def full(self, resource: Resource) -> str:
        """E.g. `training/Roles/Training (IAM Role)`."""
        kind = resource.type.removeprefix("AWS::").removeprefix("Custom::").replace("::", " ")
        return f"{resource.unit}/{self.path(*resource.key)} ({kind})"

    def reference(self, resource: Resource) -> str:
        """E.g. `${training.Roles/Training}`, as a reference to it reads, from whichever stack."""
        return f"${{{resource.unit}.{self.path(*resource.key)}}}"


def role_name(path: str) -> str:
    """E.g. `starter` of `StarterRole`, `emptier function` of `Emptier/FunctionRole`."""
    *parents, last = path.split("/")
    name = re.sub(r"(?<=.)Role$", "", last)
    if name in _GENERAL and parents:
        name = parents[-1] + (name if name != "Role" else "")
    return spaced(name)


def spaced(name: str) -> str:
    """E.g. `model package group` of `ModelPackageGroup`."""
    return " ".join(word if word.isupper() else word.lower() for word in _WORDS.findall(name))


def enumerated(parts: Iterable[str]) -> str:
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
