"""What a synthesis wrote, for tests."""

import json
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from infra.assembly import UNITS, Definition, Template, pipeline_definition, template_files


class CloudAssembly:
    """The templates of a synthesis.

    Attributes:
        folder: the folder that the CDK CLI calls `cdk.out`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cached_property
    def _files(self) -> dict[str, Path]:
        return template_files(self.folder)

    def template_file(self, environment: str, unit: str) -> Path:
        return self._files[f"shardwise-{environment}-{unit}"]

    def template(self, environment: str, unit: str) -> Template:
        template: Template = json.loads(self.template_file(environment, unit).read_text("utf-8"))
        return template

    def templates(self, environment: str) -> dict[str, Template]:
        """Every template of an environment, by unit."""
        return {unit: self.template(environment, unit) for unit in UNITS}

    def resources(self, kind: str, environment: str = "dev") -> Iterator[dict[str, Any]]:
        """Properties of all resources of a type in an environment."""
        for template in self.templates(environment).values():
            for resource in template["Resources"].values():
                if resource["Type"] == kind:
                    yield resource["Properties"]

    def definition(self, environment: str = "dev") -> Definition:
        """The definition of the environment's pipeline."""
        return pipeline_definition(self.template(environment, "training"))
