"""The files that an image or a function is made of, by digests.

With them in its template even what is deployed can be compared file by file. Nothing of the CDK is
imported here.
"""

import ast
import hashlib
from functools import lru_cache
from pathlib import Path

# Key in a resource's Metadata: file -> digest, for Python `<digest> <digest of the code>`.
METADATA = "shardwise:files"
_CHARACTERS = 16
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below a folder by its path there, in the order of the paths.

    A Python file has a second digest, which comments, docstrings and formatting don't change.
    """
    found = {}
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            name = file.relative_to(folder).as_posix()
            found[name] = _digest(file.suffix == ".py", file.read_bytes())
    return found


@lru_cache(maxsize=1024)
def _digest(is_python: bool, content: bytes) -> str:
    whole = _short(content)
    if not is_python:
        return whole
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError):
        return whole
    words: list[str] = []
    _write(tree, words)
    return f"{whole} {_short(' '.join(words).encode())}"


def _short(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:_CHARACTERS]


def _write(node: ast.AST, words: list[str]) -> None:
    """The tree in words that each version of Python writes alike, as `ast.dump` does not."""
    words.append(type(node).__name__)
    for name, value in ast.iter_fields(node):
        # Newer versions have fields more, which are empty where the code is older.
        if value is None or value == []:
            continue
        words.append(f"{name}:")
        values = value if isinstance(value, list) else [value]
        if name == "body" and isinstance(node, _DOCUMENTED) and _is_text(values[0]):
            values = values[1:]
        for part in values:
            if isinstance(part, ast.AST):
                _write(part, words)
            else:
                words.append(repr(part))
    words.append(".")


def _is_text(node: object) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
