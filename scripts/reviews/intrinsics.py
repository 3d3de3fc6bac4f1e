"""CloudFormation's intrinsic functions: what they stand for, and which conditions are false.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference.html
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from scripts.reviews.stacks import Names, Resource, Stacks

_SUBSTITUTED = re.compile(r"\$\{([^!}][^}]*)\}")
# The address of an image asset; the tag is the digest of all that it is built from.
_IMAGE = re.compile(r"[^\s\"]*/cdk-[^\s\"/]*container-assets-[^\s\"/]*:([0-9a-f]{64})")
_DIGEST_SHOWN = 12


class Resolver:
    """Reads the values of one side, with what its functions stand for in place of them.

    A reference becomes `${<unit>.<name>}`, whether it stays in its stack or is an import, so that
    the same thing has the same text wherever it is named.
    """

    def __init__(self, side: Stacks, names: Names) -> None:
        self._names = names
        self._exports = {
            self._text(unit, output["Export"]["Name"]): (unit, output["Value"])
            for unit, template in side.templates.items()
            for output in template.get("Outputs", {}).values()
            if "Export" in output
        }
        self._images = self._image_names(side)

    def value(self, unit: str, value: Any) -> Any:
        """The same JSON with every function as text."""
        match value:
            case {"Fn::If": [str() as condition, first, second]} if not (
                _is_text(first) and _is_text(second)
            ):
                return {
                    f"if {condition}": self.value(unit, first),
                    "else": self.value(unit, second),
                }
            case dict() if _is_function(value):
                return self.text(unit, value)
            case dict():
                return {key: self.value(unit, part) for key, part in value.items()}
            case list():
                return [self.value(unit, part) for part in value]
            case str():
                return self._named(value)
            case _:
                return value

    def text(self, unit: str, value: Any) -> str:
        """One value as text."""
        return self._named(self._text(unit, value))

    def _text(self, unit: str, value: Any) -> str:  # noqa: PLR0911 - a case a function
        match value:
            case str():
                return value
            case {"Ref": str() as name}:
                return self._reference(unit, name)
            case {"Fn::GetAtt": [str() as name, str() as attribute]}:
                return self._reference(unit, name, attribute)
            case {"Fn::GetAtt": str() as both}:
                name, _, attribute = both.partition(".")
                return self._reference(unit, name, attribute)
            case {"Fn::Join": [str() as separator, list() as parts]}:
                return separator.join(self._text(unit, part) for part in parts)
            case {"Fn::Sub": str() as text}:
                return self._substitute(unit, text, {})
            case {"Fn::Sub": [str() as text, dict() as variables]}:
                return self._substitute(unit, text, variables)
            case {"Fn::ImportValue": name}:
                return self._import(self._text(unit, name))
            case {"Fn::Select": [index, {"Fn::Split": [str() as separator, whole]}]}:
                inner = self._text(unit, whole)
                return f"${{part {index} by '{separator}' of {inner.strip('${}')}}}"
            case {"Fn::If": [str() as condition, first, second]}:
                return f"{self._text(unit, first)} if {condition} else {self._text(unit, second)}"
            case _:
                return json.dumps(value, sort_keys=True)

    def _reference(self, unit: str, name: str, attribute: str = "") -> str:
        if name.startswith("AWS::"):
            return f"${{{name}}}"
        return f"${{{unit}.{self._names.path(unit, name)}{'.' if attribute else ''}{attribute}}}"

    def _substitute(self, unit: str, text: str, variables: Mapping[str, Any]) -> str:
        def replaced(match: re.Match[str]) -> str:
            if match[1] in variables:
                return self._text(unit, variables[match[1]])
            name, _, attribute = match[1].partition(".")
            return self._reference(unit, name, attribute)

        return _SUBSTITUTED.sub(replaced, text)

    def _import(self, name: str) -> str:
        if name not in self._exports:
            return f"${{import {name}}}"
        unit, value = self._exports[name]
        return self._text(unit, value)

    def _image_names(self, side: Stacks) -> dict[str, str]:
        """Names of the images by digest."""
        image_names = {}
        for key, output in sorted(side.template("images").get("Outputs", {}).items()):
            if address := _IMAGE.search(self._text("images", output["Value"])):
                image_names[address[1]] = key.removesuffix("ImageUri").lower()
        return image_names

    def _named(self, text: str) -> str:
        if "container-assets" not in text:
            return text
        return _IMAGE.sub(self._image, text)

    def _image(self, address: re.Match[str]) -> str:
        name = self._images.get(address[1], "of another stack")
        return f"image {name} {address[1][:_DIGEST_SHOWN]}"


def _is_function(value: Mapping[str, Any]) -> bool:
    return len(value) == 1 and all(key == "Ref" or key.startswith("Fn::") for key in value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, dict) and _is_function(value))


def is_absent(side: Stacks, resource: Resource) -> bool:
    """True where its Condition is false; False where nothing tells."""
    name = resource.declared.get("Condition")
    template, given = side.template(resource.unit), side.parameters.get(resource.unit)
    if name is None or given is None:
        return False
    parameters = {
        key: given.get(key, parameter.get("Default"))
        for key, parameter in template.get("Parameters", {}).items()
    }
    return _condition({"Condition": name}, template.get("Conditions", {}), parameters) is False


def _condition(  # noqa: PLR0911 - a case a function
    value: Any, conditions: Mapping[str, Any], parameters: Mapping[str, Any]
) -> Any:
    """What it comes to; None where a part is not known."""
    match value:
        case {"Condition": str() as name}:
            return _condition(conditions.get(name), conditions, parameters)
        case {"Ref": str() as name}:
            return parameters.get(name)
        case {"Fn::Equals": [first, second]}:
            known = [_condition(part, conditions, parameters) for part in (first, second)]
            return None if None in known else str(known[0]) == str(known[1])
        case {"Fn::Not": [part]}:
            inner = _condition(part, conditions, parameters)
            return None if inner is None else not inner
        case {"Fn::And": list() as parts} | {"Fn::Or": list() as parts}:
            values = [_condition(part, conditions, parameters) for part in parts]
            # One such part is enough: a true one of an Or, a false one of an And.
            decides = "Fn::Or" in value
            return decides if decides in values else None if None in values else not decides
        case str() | int():
            return value
        case _:
            return None
