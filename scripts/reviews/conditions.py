"""Whether a resource with a Condition is there, by the parameters that are deployed.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-conditions.html
"""

from collections.abc import Mapping
from typing import Any

from scripts.reviews.stacks import Resource, Stacks


def is_absent(side: Stacks, resource: Resource) -> bool:
    """True where its Condition is false; False where nothing tells."""
    name = resource.declared.get("Condition")
    template, given = side.template(resource.unit), side.parameters.get(resource.unit)
    if name is None or given is None:
        return False
    defaults = {
        key: parameter["Default"]
        for key, parameter in template.get("Parameters", {}).items()
        if "Default" in parameter
    }
    conditions = template.get("Conditions", {})
    return _value({"Condition": name}, conditions, {**defaults, **given}) is False


def _value(  # noqa: PLR0911 - one line a function
    value: Any, conditions: Mapping[str, Any], parameters: Mapping[str, Any]
) -> Any:
    """What it comes to; None where a part is not known."""
    match value:
        case {"Condition": str() as name}:
            return _value(conditions.get(name), conditions, parameters)
        case {"Ref": str() as name}:
            return parameters.get(name)
        case {"Fn::Equals": [first, second]}:
            known = [_value(part, conditions, parameters) for part in (first, second)]
            return None if None in known else str(known[0]) == str(known[1])
        case {"Fn::Not": [part]}:
            inner = _value(part, conditions, parameters)
            return None if inner is None else not inner
        case {"Fn::And": list() as parts}:
            found = [_value(part, conditions, parameters) for part in parts]
            return False if False in found else None if None in found else True
        case {"Fn::Or": list() as parts}:
            found = [_value(part, conditions, parameters) for part in parts]
            return True if True in found else None if None in found else False
        case str() | int():
            return value
        case _:
            return None
