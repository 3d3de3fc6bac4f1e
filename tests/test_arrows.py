"""Arrows between modules and folders go one way, as docs/architecture.md draws them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
# A package's name to the folder that holds it.
PACKAGES = {
    **dict.fromkeys(("infra", "functions", "rehearsal", "scripts", "benchmarks"), ""),
    **dict.fromkeys(("drops", "preprocessing", "records"), "containers"),
    **{image: f"containers/{image}" for image in ("processing", "training", "inference")},
}
MAY_IMPORT = {
    "infra": (),
    "functions": (),
    "rehearsal": (),
    "scripts": ("rehearsal", "functions", "infra", "drops"),
    "benchmarks": tuple(name for name in PACKAGES if name not in ("scripts", "functions")),
    "drops": (),
    "records": (),
    "preprocessing": ("drops",),
    "processing": ("drops", "preprocessing", "records"),
    "training": ("preprocessing", "records"),
    "inference": ("preprocessing",),
}
FLOORS = (
    ("console",),
    ("images",),
    ("deployed", "document"),
    ("reviews", "planning", "lineages", "reports"),
    ("cli",),
    ("commands",),
)
"""Of scripts/, from the bottom."""


def _modules() -> dict[str, Path]:
    found = {}
    for package, folder in PACKAGES.items():
        root = REPOSITORY / folder
        for path in sorted((root / package).rglob("*.py")):
            names = path.relative_to(root).with_suffix("").parts
            if "tests" not in names:
                found[".".join(names).removesuffix(".__init__")] = path
    return found


MODULES = _modules()


def _imported(name: str, path: Path) -> Iterator[str]:
    """Names of this project's modules that one imports, anywhere in it."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) + 1 - node.level]
            module = ".".join([*(above if node.level else []), *filter(None, [node.module])])
            # The commands import a package of the images as containers.drops.
            module = module.removeprefix("containers.")
            for alias in node.names:
                deepest = f"{module}.{alias.name}"
                if (imported := deepest if deepest in MODULES else module) in MODULES:
                    yield imported


@cache
def _arrows() -> dict[str, set[str]]:
    return {name: set(_imported(name, path)) - {name} for name, path in MODULES.items()}


def _circle(arrows: dict[str, set[str]]) -> list[str]:
    try:
        TopologicalSorter(arrows).prepare()
    except CycleError as error:
        circle: list[str] = error.args[1]
        return circle
    return []


def _of_folders(package: str) -> dict[str, set[str]]:
    """The arrows between a package's folders and the modules beside them."""

    def place(name: str) -> str:
        return ".".join(name.split(".")[:2])

    within: dict[str, set[str]] = {}
    for name, others in _arrows().items():
        if name.startswith(f"{package}."):
            near = {place(other) for other in others if other.startswith(f"{package}.")}
            within.setdefault(place(name), set()).update(near - {place(name)})
    return within


def test_no_module_leads_back_to_itself():
    assert _circle(_arrows()) == []


@pytest.mark.parametrize("package", ["infra", "functions", "rehearsal", "scripts"])
def test_no_folder_leads_back_to_itself(package):
    assert _circle(_of_folders(package)) == []


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_imports_what_it_may(package):
    others = {
        (name, other)
        for name, imported in _arrows().items()
        if name.split(".")[0] == package
        for other in imported
        if other.split(".")[0] not in (package, *MAY_IMPORT[package])
    }
    assert others == set()


def test_scripts_stand_on_floors():
    floors = {
        f"scripts.{folder}": floor for floor, folders in enumerate(FLOORS) for folder in folders
    }
    assert set(floors) == set(_of_folders("scripts"))
    wrong = [
        (place, other)
        for place, others in _of_folders("scripts").items()
        for other in others
        if floors[other] > floors[place]
    ]
    assert wrong == []
