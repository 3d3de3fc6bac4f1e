"""A review as Markdown that fits a comment on a pull request."""

from collections.abc import Iterator

from scripts.reviews.differences import Row
from scripts.reviews.document import Entry, Mark, Review

LONGEST = 65_536  # characters of a comment on GitHub
_LOUD = (Mark.DANGER,)
_BLOCKING_SHOWN = 10
_OPEN_ROWS = 12  # more are folded


def markdown(review: Review, longest: int = LONGEST) -> str:
    """At most `longest` characters, if its head fits; what is left out is said."""
    head = [f"## {_plain(review.summary)}", "", f"{_plain(review.title)}", "", *_verdicts(review)]
    text = "\n".join(head)
    for part in _parts(review):
        if len(text) + len(part) + len(_LEFT_OUT) > longest:
            return f"{text}\n{_LEFT_OUT}"
        text += f"\n{part}"
    return f"{text}\n"


_LEFT_OUT = (
    "\n_The rest is left out, as a comment holds no more: run ./scripts/review, or open the HTML "
    "page._\n"
)


def _verdicts(review: Review) -> Iterator[str]:
    for reason, texts in review.reasons.items():
        yield f"**{_plain(reason)}**"
        yield ""
        yield from (f"- {_plain(text)}" for text in texts[:_BLOCKING_SHOWN])
        if len(texts) > _BLOCKING_SHOWN:
            yield f"- and {len(texts) - _BLOCKING_SHOWN} more, below"
        yield ""
    if review.findings and not review.verdicts:
        yield "Nothing blocks."


def _parts(review: Review) -> Iterator[str]:
    """Pieces that can be left out from the end without breaking the rest."""
    for section in review.sections:
        yield f"\n### {section.title}\n"
        yield from (_entry(entry) for entry in section.entries)


def _entry(entry: Entry) -> str:
    text = _plain(entry.text)
    lines = [f"- {f'**{text}**' if entry.mark in _LOUD else text}"]
    lines += [f"  - {_note(note)}" for note in entry.notes]
    if entry.rows:
        block = ["  ```diff", *(f"  {line}" for row in entry.rows for line in _row(row)), "  ```"]
        if len(entry.rows) > _OPEN_ROWS:
            title = f"  <details><summary>{len(entry.rows)} values</summary>"
            block = [title, "", *block, "", "  </details>"]
        lines += ["", *block, ""]
    return "\n".join(lines)


def _note(note: str) -> str:
    loud = note.startswith(("DATA LOSS", "PROTECTION LOST"))
    return f"**{_plain(note)}**" if loud else _plain(note)


def _row(row: Row) -> Iterator[str]:
    if row.before is not None:
        yield f"- {row.path}: {_one_line(row.before)}"
    if row.after is not None:
        yield f"+ {row.path}: {_one_line(row.after)}"


def _one_line(text: str) -> str:
    return text.replace("\n", "⏎").replace("```", "'''")


def _plain(text: str) -> str:
    """Text that Markdown takes as it is."""
    for character in "\\`*_>|#[]":
        text = text.replace(character, f"\\{character}")
    text = text.replace("<", "&lt;")
    # A name at the beginning of a word would call a person.
    return text.replace("@", "@\u200b")
