"""A review as one page that needs nothing else."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from scripts.reviews.document import Mark, Review

_TEMPLATE = "page.html.j2"


def html(review: Review) -> str:
    """The whole page; all text of the review is escaped."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    classes = {mark: mark.name.lower() for mark in Mark}
    return environment.get_template(_TEMPLATE).render(review=review, classes=classes)
