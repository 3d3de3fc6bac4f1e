"""The JSON index that a drop's marker may hold."""

from collections import Counter
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError


class IndexedFile(BaseModel):
    """A file as its producer saw it; `name` is relative to the drop, `size` in bytes."""

    model_config = ConfigDict(frozen=True)
    name: str
    size: Annotated[int, Field(ge=0)]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class _Index(BaseModel):
    schema_version: Annotated[Literal[1], Field(alias="schema")]
    files: list[IndexedFile]


def parse_index(marker: bytes) -> dict[str, IndexedFile] | None:
    """Files of the index by name; None for an empty marker, which is accepted too.

    Raises ValueError with a clause that says what is wrong with the index.
    """
    if not marker.strip():
        return None
    try:
        files = _Index.model_validate_json(marker).files
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise ValueError(f"{first['msg']} ({place})") from error
    name, times = next(iter(Counter(file.name for file in files).most_common(1)), ("", 0))
    if times > 1:
        raise ValueError(f'"{name}" is listed {times} times')
    return {file.name: file for file in files}
