"""A review in a terminal, as Markdown and as a page."""

from html.parser import HTMLParser
from io import StringIO

import pytest
from rich.console import Console

from scripts.document import (
    LONGEST_COMMENT,
    Entry,
    Mark,
    Row,
    Section,
    html,
    markdown,
    print_document,
)
from scripts.reviews.policy import Finding, Verdict
from scripts.reviews.review import Review

LOST = Finding("data-loss", "data/Drops (S3 Bucket): its objects are deleted")


def made(entries: int = 1, text: str = "DESTROYED: data/<Drops>") -> Review:
    entry = Entry(
        Mark.DANGER, text, (Row("BucketName", "old`s", None),), ("DATA LOSS: its objects",)
    )
    return Review(
        "dev: DATA LOSS in 1 · 1 DESTROYED",
        "dev: main (1a2b3c4) → the working tree",
        (Section("Resources", (entry,) * entries),),
        (LOST,),
        (Verdict(LOST, "review.toml blocks data-loss: data is deleted"),),
    )


def terminal(review: Review) -> str:
    lines = StringIO()
    print_document(review, Console(file=lines, soft_wrap=True))
    return lines.getvalue()


def comment(review: Review, longest: int = LONGEST_COMMENT) -> str:
    return markdown(review, level=2, longest=longest)


def test_the_summary_comes_first_and_what_blocks_is_said_with_its_reason() -> None:
    said = terminal(made())
    assert said.startswith("dev: DATA LOSS in 1 · 1 DESTROYED\n")
    assert "review.toml blocks data-loss: data is deleted\n    ! data/Drops" in said
    assert comment(made()).startswith("## dev: DATA LOSS in 1 · 1 DESTROYED\n")
    assert "<h1>dev: DATA LOSS in 1 · 1 DESTROYED</h1>" in html(made())


def test_a_comment_fits_github_and_says_what_it_leaves_out() -> None:
    long = comment(made(entries=2_000))
    assert len(long) <= LONGEST_COMMENT == 65_536
    assert "The rest is left out" in long
    assert long.count("```") % 2 == 0
    assert "The rest is left out" not in comment(made())
    assert len(comment(made(entries=2_000), longest=21_000)) <= 21_000


def test_a_long_list_of_what_blocks_fits_a_comment_too() -> None:
    review = made()
    verdict = Verdict(Finding("iam-widening", "The role may now " + "x" * 300), "because")
    many = Review(review.heading, review.lead, review.sections, (LOST,), (verdict,) * 500)
    assert len(comment(many)) <= LONGEST_COMMENT


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "a | b * c _ d [e](f)", "@anna"])
def test_text_of_a_template_is_text_in_every_format(text: str) -> None:
    page = html(made(text=text))
    assert "<script" not in page
    markdown_text = comment(made(text=text))
    assert "<script" not in markdown_text
    assert "[e](f)" not in markdown_text
    assert "@anna" not in markdown_text


def test_the_page_is_whole_and_asks_nothing_of_the_network() -> None:
    class Links(HTMLParser):
        found: list[str] = []  # noqa: RUF012 - one parser

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            self.found += [str(v) for k, v in attrs if k in ("src", "href") and v]

    links = Links()
    links.feed(html(made()))
    assert links.found == ["#resources"]
    assert "url(" not in html(made())
    assert "@import" not in html(made())
