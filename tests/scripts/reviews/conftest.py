"""Reviews of the prepared changes, each from real sources."""

import json
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

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[2]
sys.path.insert(0, str(HERE))


@pytest.fixture(scope="session")
def trees(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Template]]:
    """Templates of dev by unit, of each prepared change."""
    from changes import CHANGES, make_tree

    folder = tmp_path_factory.mktemp("trees")
    made = [make_tree(folder / str(n), edits) for n, edits in enumerate(CHANGES.values())]
    done = subprocess.run(
        [sys.executable, "-P", str(HERE / "synthesise_trees.py"), "dev", *map(str, made)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-5000:]
    return dict(zip(CHANGES, json.loads(done.stdout), strict=True))


@pytest.fixture(scope="session")
def reviewed(trees: dict[str, dict[str, Template]]) -> Callable[[str], Review]:
    """The review of a change by its name, against sources without it and by our own policy."""
    policy = load(REPOSITORY / "review.toml")

    @cache
    def reviewed(change: str) -> Review:
        before, after = Stacks("before", trees["nothing"]), Stacks("after", trees[change])
        return review(Comparison("dev", before, after), policy)

    return reviewed
