"""Sources stay readable: functions fit a screen, files a topic, exceptions say why."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
FUNCTION_LINES, FILE_LINES = 40, 300
FOLDERS = ("infra", "functions", "containers", "rehearsal", "scripts", "benchmarks", "tests")
SOURCES = [
    REPOSITORY / "app.py",
    *(path for folder in FOLDERS for path in sorted((REPOSITORY / folder).rglob("*.py"))),
]
PRODUCT = [path for path in SOURCES if "tests" not in path.relative_to(REPOSITORY).parts]
WITHOUT_REASON = re.compile(r"# (noqa|type: ignore)(: ?[A-Z0-9, ]+|\[[a-z-, ]+\])?\s*$")


def test_each_exception_to_a_check_has_its_reason():
    bare = [
        f"{path.relative_to(REPOSITORY)}:{number}"
        for path in SOURCES
        for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1)
        if "noqa" in line and WITHOUT_REASON.search(line)
    ]
    assert bare == []


def test_functions_fit_a_screen():
    long = [
        f"{path.relative_to(REPOSITORY)}:{node.lineno} {node.name}"
        for path in PRODUCT
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno >= FUNCTION_LINES
    ]
    assert long == []


@pytest.mark.parametrize("folder", ["infra", "functions", "containers", "rehearsal", "scripts"])
def test_a_file_is_a_topic(folder):
    long = [
        f"{path.relative_to(REPOSITORY)}: {lines} lines"
        for path in PRODUCT
        if path.relative_to(REPOSITORY).parts[0] == folder
        and (lines := len(path.read_text("utf-8").splitlines())) > FILE_LINES
    ]
    assert long == []


def test_mypy_reads_each_module_of_the_cdk_that_is_imported():
    overrides = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["tool"]["mypy"]
    read = {
        name
        for override in overrides["overrides"]
        if override.get("follow_imports") == "normal"
        for name in override["module"]
    }
    assert read == {name for path in PRODUCT for name in _imports(path) if "aws_cdk" in name}


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == "aws_cdk":
            yield from (f"aws_cdk.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
