"""A pipeline's expressions as one text each: `${Parameters.Epochs}`, `s3://…/${Execution.…}`.

https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-pipeline.html
"""

import json
from typing import Any


def without_expressions(value: Any) -> Any:
    """The same JSON with `Get` and the `Std:` functions as text."""
    match value:
        case {"Get": str() as what}:
            return f"${{{what}}}"
        case {"Std:Join": {"On": str() as separator, "Values": list() as values}}:
            return separator.join(_text(part) for part in values)
        case {"Std:JsonGet": {"Path": path, "PropertyFile": file}}:
            return f"${{{_text(path)} in {_text(file).strip('${}')}}}"
        case dict():
            return {key: without_expressions(part) for key, part in value.items()}
        case list():
            return [without_expressions(part) for part in value]
        case _:
            return value


def _text(value: Any) -> str:
    plain = without_expressions(value)
    return plain if isinstance(plain, str) else json.dumps(plain, sort_keys=True)
