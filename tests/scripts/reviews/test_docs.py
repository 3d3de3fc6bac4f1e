"""docs/review.md names what there is."""

from pathlib import Path

from scripts.reviews.policy import FINDINGS

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "review.md").read_text("utf-8")


def test_every_finding_is_explained_in_its_own_words() -> None:
    for name, meaning in FINDINGS.items():
        assert f"| `{name}` | {meaning} |" in PAGE
