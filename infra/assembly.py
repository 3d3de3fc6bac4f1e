"""What a synthesis wrote: templates by environment and unit, and the definition inside.

Nothing of the CDK is imported here, so that commands read templates in no time.
"""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

UNITS = ("data", "images", "training", "trigger", "serving", "operations", "network")

# What a template's pseudo parameters read as where nothing is deployed.
_PSEUDO = {
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::AccountId": "123456789012",
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::StackId": "arn:aws:cloudformation:us-east-1:123456789012:stack/s/0a1b2c3d-0000",
}

# What a definition's values are that only an execution knows:
# https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-properties.html
_FUNCTIONS = ("Get", "Std:Join", "Std:JsonGet")
_BRANCHES = ("IfSteps", "ElseSteps")
# What `plain_text` makes of what only a deployment knows: an attribute, or another stack's export.
_PLACEHOLDER = re.compile(r"^([A-Za-z0-9]+\.[A-Za-z]+|ExportsOutput(Ref|FnGetAtt)[A-Za-z0-9]+)$")

Template = dict[str, Any]


class AssemblyError(Exception):
    """A template is not what is expected; the message says why."""


def template_files(folder: Path) -> dict[str, Path]:
    """The templates of a synthesis by the name of their stack, in order; those of stages too.

    https://docs.aws.amazon.com/cdk/v2/guide/configure-synth.html

    Args:
        folder: the folder that the CDK CLI calls `cdk.out`, or one of a stage inside.
    """
    found = {}
    for manifest in folder.rglob("manifest.json"):
        for artifact in json.loads(manifest.read_text("utf-8")).get("artifacts", {}).values():
            if artifact["type"] == "aws:cloudformation:stack":
                properties = artifact["properties"]
                found[properties["stackName"]] = manifest.parent / properties["templateFile"]
    return dict(sorted(found.items()))


class Definition:
    """A pipeline's definition, as it is once CloudFormation has filled its tokens in.

    https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-overview.html
    """

    def __init__(self, content: dict[str, Any]) -> None:
        self.content = content

    @cached_property
    def steps(self) -> dict[str, dict[str, Any]]:
        """Every step, those of branches too, by name."""
        found: dict[str, dict[str, Any]] = {}
        waiting = list(self.content["Steps"])
        while waiting:
            step = waiting.pop(0)
            found[step["Name"]] = step
            waiting.extend(self._inner_steps(step))
        return found

    def arguments(self, step: str) -> dict[str, Any]:
        """The request that a step makes.

        Raises:
            KeyError: there is no such step.
        """
        arguments: dict[str, Any] = self.steps[step]["Arguments"]
        return arguments

    def waits_for(self, step: str) -> set[str]:
        """All steps that have ended when a step begins.

        They are those that it names, those whose properties it reads, the condition whose branch it
        is in, and all that these wait for:
        https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-steps-data-dependency.html
        """
        waits: set[str] = set()
        asked = [step]
        while asked:
            new = self._direct_waits.get(asked.pop(), set()) - waits
            waits |= new
            asked += new
        return waits

    @cached_property
    def _direct_waits(self) -> dict[str, set[str]]:
        waits = {}
        for name, step in self.steps.items():
            # A condition's own arguments hold its branches, which it does not wait for.
            own = {key: v for key, v in step["Arguments"].items() if key not in _BRANCHES}
            reads = {path.split(".")[1] for path in references(own) if path.startswith("Steps.")}
            waits[name] = reads | set(step.get("DependsOn", []))
        for name, step in self.steps.items():
            for inner in self._inner_steps(step):
                waits[inner["Name"]].add(name)
        return waits

    @staticmethod
    def _inner_steps(step: Mapping[str, Any]) -> list[dict[str, Any]]:
        return [inner for branch in _BRANCHES for inner in step["Arguments"].get(branch, [])]

    @property
    def parameters(self) -> dict[str, Any]:
        """Default values by name; None where there is none."""
        return {p["Name"]: p.get("DefaultValue") for p in self.content["Parameters"]}


def is_expression(value: Any) -> bool:
    """Is it `{"Get": …}`, `{"Std:Join": …}` or `{"Std:JsonGet": …}`?"""
    return isinstance(value, Mapping) and len(value) == 1 and next(iter(value)) in _FUNCTIONS


def references(value: Any) -> Iterator[str]:
    """Every `Get` in a value of a definition, whatever it lies in, e.g. `Parameters.Epochs`."""
    if isinstance(value, Mapping):
        if is_expression(value) and isinstance(value.get("Get"), str):
            yield value["Get"]
            return
        for member in value.values():
            yield from references(member)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def beginning(value: Any) -> str:
    """The text that a value certainly begins with; all of it where it is a plain string."""
    if isinstance(value, str):
        return value
    known = ""
    if isinstance(value, Mapping) and "Std:Join" in value:
        join = value["Std:Join"]
        for number, part in enumerate(join["Values"]):
            known += (join.get("On", "") if number else "") + beginning(part)
            if not isinstance(part, str):
                break
    return known


def is_placeholder(text: str) -> bool:
    """Did `plain_text` write it for what only a deployment knows?"""
    return _PLACEHOLDER.match(text) is not None


def pipeline_definition(template: Mapping[str, Any]) -> Definition:
    """The definition in a template that holds one `AWS::SageMaker::Pipeline`.

    Raises:
        AssemblyError: it holds none, or several.
    """
    found = [
        resource["Properties"]["PipelineDefinition"]["PipelineDefinitionBody"]
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::SageMaker::Pipeline"
    ]
    if len(found) != 1:
        raise AssemblyError(f"The template holds {len(found)} pipelines and not one.")
    return Definition(json.loads(plain_text(found[0])))


def plain_text(value: Any) -> str:
    """A string property with its intrinsic functions replaced by what they would plausibly read.

    `Ref` and `GetAtt` become the logical id, an import the export's name.

    Raises:
        AssemblyError: a function that is not known here.
    """
    match value:
        case str() as text:
            pass
        case {"Fn::Join": [str() as separator, list() as parts]}:
            text = separator.join(plain_text(part) for part in parts)
        case {"Ref": str() as name}:
            text = _PSEUDO.get(name, name)
        case {"Fn::Sub": str() as text}:
            for name, replacement in _PSEUDO.items():
                text = text.replace(f"${{{name}}}", replacement)
        case {"Fn::GetAtt": [str() as name, str() as attribute]}:
            text = f"{name}.{attribute}"
        case {"Fn::ImportValue": str() as name}:
            text = name.split(":")[1]
        case {"Fn::Select": [_, {"Fn::Split": [_, whole]}]}:
            text = plain_text(whole)
        case _:
            raise AssemblyError(f"No plain text is known for the intrinsic function {value}.")
    return text
