"""Reviews of the prepared changes, each from real sources."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from scripts.reviews.comparison import Comparison
from scripts.reviews.policy import load
from scripts.reviews.review import Review, review
from scripts.reviews.stacks import Stacks, Template
from tests.scripts.reviews.changes import CHANGES, make_tree

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[2]


@pytest.fixture(scope="session")
def trees(once: Callable[[str, Callable[[Path], None]], Path]) -> dict[str, dict[str, Template]]:
    """Templates of dev by unit, of each prepared change."""

    def synthesise(folder: Path) -> None:
        made = [make_tree(folder / str(n), edits) for n, edits in enumerate(CHANGES.values())]
        done = subprocess.run(
            [sys.executable, "-P", str(HERE / "synthesise_trees.py"), "dev", *map(str, made)],
            capture_output=True,
            text=True,
            check=False,
            # What was written before is not again: the kept files are named by content.
            env={
                "SHARDWISE_CACHE": str(REPOSITORY / ".cache"),
                **os.environ,
                "PYTHONPATH": str(REPOSITORY),
            },
        )
        assert done.returncode == 0, done.stderr[-5000:]
        (folder / "templates.json").write_text(done.stdout)

    templates = json.loads((once("changed-trees", synthesise) / "templates.json").read_text())
    return dict(zip(CHANGES, templates, strict=True))


@pytest.fixture(scope="session")
def reviewed(trees: dict[str, dict[str, Template]]) -> Callable[[str], Review]:
    """The review of a change by its name, against sources without it and by our own policy."""
    policy = load(REPOSITORY / "review.toml")

    @cache
    def reviewed(change: str) -> Review:
        before, after = Stacks("before", trees["nothing"]), Stacks("after", trees[change])
        return review(Comparison("dev", before, after), policy)

    return reviewed
