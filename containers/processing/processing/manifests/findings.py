"""Names that are odd in one way: counted, and the lowest kept to show."""

import json
from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa


def quoted(name: str) -> str:
    """A name in quotation marks, on one line whatever it holds."""
    return json.dumps(name, ensure_ascii=False)


@dataclass
class Findings:
    """How many names there are, the lowest of them (UTF-8 bytes), and what to say of that one."""

    count: int = 0
    name: str = ""
    clause: str = ""

    def add(self, names: pa.StringArray, clause: Callable[[str], str] = str) -> None:
        """Adds names in ascending order; `clause` says of a name what is wrong and what to do."""
        if not len(names):
            return
        first = names[0].as_py()
        if not self.count or first < self.name:
            self.name, self.clause = first, clause(first)
        self.count += len(names)
