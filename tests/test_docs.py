"""Documents lead somewhere, and can be read: links, paths, widths."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
PAGES = [
    REPOSITORY / "README.md",
    REPOSITORY / "CONTRIBUTING.md",
    *sorted((REPOSITORY / "docs").rglob("*.md")),
    *sorted((REPOSITORY / "containers").glob("*/README.md")),
]
GENERATED = {"settings.md"}
WIDTH = 100
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
# Of the repository, from its root, in code: `infra/serving/`, `./scripts/drop`.
PATH = re.compile(
    r"`(?:\./)?((?:infra|functions|containers|rehearsal|scripts|tests|benchmarks|docs)/[\w./-]+)`"
)


def _named(page: Path) -> str:
    return str(page.relative_to(REPOSITORY))


def _prose(page: Path) -> list[str]:
    """Its lines that can be wrapped: no code, no table, no picture."""
    text = re.sub(r"^\s*```.*?^\s*```", "", page.read_text("utf-8"), flags=re.DOTALL | re.M)
    return [
        line
        for line in text.splitlines()
        if not line.lstrip().startswith(("|", "![", "#", "<"))
        and not re.match(r"    |\[[^]]+\]: ", line)
    ]


@pytest.mark.parametrize("page", PAGES, ids=_named)
def test_each_link_leads_to_a_file(page):
    text = page.read_text("utf-8")
    targets = [target.partition("#")[0] for target in LINK.findall(text) if "://" not in target]
    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", [p for p in PAGES if "containers" not in p.parts], ids=_named)
def test_each_path_of_the_repository_is_there(page):
    names = PATH.findall(page.read_text("utf-8"))
    assert [name for name in names if not (REPOSITORY / name).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=_named)
def test_prose_is_wrapped(page):
    if page.name not in GENERATED:
        # A word alone, an address say, can be wider.
        wide = [line for line in _prose(page) if len(line) > WIDTH and " " in line.strip()]
        assert wide == []


def test_the_readme_is_read_in_two_minutes():
    lines = (REPOSITORY / "README.md").read_text("utf-8").splitlines()
    assert len(lines) <= 80
    assert [line for line in lines if len(line) > WIDTH] == []
