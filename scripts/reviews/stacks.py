"""One side of a comparison: the templates of an environment, deployed or synthesised."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Template = dict[str, Any]


@dataclass(frozen=True)
class Stacks:
    """The stacks of one environment.

    Attributes:
        label: what they are, as a reader names them, e.g. `main (1a2b3c4)`.
        templates: by unit.
        parameters: the values that are deployed, by unit and parameter; empty where nothing is.
    """

    label: str
    templates: Mapping[str, Template]
    parameters: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def resources(self) -> Iterator["Resource"]:
        """Every resource, in the order of units and of logical ids."""
        for unit in sorted(self.templates):
            found = self.templates[unit].get("Resources", {})
            for logical_id in sorted(found):
                yield Resource(unit, logical_id, found[logical_id])

    def by_id(self) -> dict[tuple[str, str], "Resource"]:
        return {(resource.unit, resource.logical_id): resource for resource in self.resources()}

    def template(self, unit: str) -> Template:
        """An empty one where there is no such stack."""
        return self.templates.get(unit, {})


@dataclass(frozen=True)
class Resource:
    """A resource as a template declares it."""

    unit: str
    logical_id: str
    declared: Mapping[str, Any]

    @property
    def type(self) -> str:
        kind: str = self.declared["Type"]
        return kind

    @property
    def properties(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.declared.get("Properties", {})
        return found

    @property
    def metadata(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.declared.get("Metadata", {})
        return found
