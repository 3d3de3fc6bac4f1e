"""Sections of entries, tables and sentences: as Markdown, in a terminal or as one HTML page."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from rich.console import Console
from rich.text import Text

LONGEST_COMMENT = 65_536  # characters of a comment on GitHub
_TEMPLATE = "document.html.j2"
_OPEN_ROWS = 12  # more are folded
_BLOCKING_SHOWN = 10
_LOUD_NOTES = ("DATA LOSS", "PROTECTION LOST")
_LEFT_OUT = (
    "\n_The rest is left out, as a comment holds no more: run ./scripts/review, or open the HTML "
    "page._\n"
)


class Mark(Enum):
    """How an entry is to be seen."""

    ADDED = "+"
    CHANGED = "~"
    REMOVED = "-"
    DANGER = "!"
    NOTE = " "


_STYLES = {
    Mark.ADDED: "green",
    Mark.CHANGED: "yellow",
    Mark.REMOVED: "red",
    Mark.DANGER: "bold red",
    Mark.NOTE: "dim",
}


@dataclass(frozen=True)
class Row:
    """One value that differs; None before or after, where there is none."""

    path: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Entry:
    """One thing that a change does: values that differ, and notes, a sentence or list each."""

    mark: Mark
    text: str
    rows: tuple[Row, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """Cells as text.

    Attributes:
        left: how many columns, from the first, are words; the others are numbers.
        highlight: a row whose last cell has this text is green in a terminal; empty for none.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left: int = 1
    highlight: str = ""

    def is_left(self, column: int) -> bool:
        """Whether the cells of a column begin at its left edge."""
        return column < self.left or not self.header[column]


@dataclass(frozen=True)
class Section:
    """A title, and under it entries, a table where there is one, sentences."""

    title: str
    entries: tuple[Entry, ...] = ()
    table: Table | None = None
    sentences: tuple[str, ...] = ()


@dataclass(frozen=True)
class Document:
    """What is written: a first line, which says the most, the line below it, and sections."""

    heading: str
    lead: str
    sections: tuple[Section, ...]

    @property
    def blocking(self) -> Mapping[str, Sequence[str]] | None:
        """What blocks by the reason why; empty where nothing does, None where nothing could."""
        return None


def markdown(document: Document, *, level: int = 1, longest: int | None = None) -> str:
    """Writes a document as Markdown.

    Args:
        level: of its heading, 1 to 5.
        longest: characters at most, if heading, lead and what blocks fit; what does not is left
            out from the end, and that is said. None for all.
    """
    text = "\n".join(_markdown_head(document, "#" * level))
    for part in _markdown_parts(document, "#" * (level + 1)):
        if longest is not None and len(text) + len(part) + len(_LEFT_OUT) > longest:
            return f"{text}\n{_LEFT_OUT}"
        text += f"\n{part}"
    return text.rstrip() + "\n"


def _markdown_head(document: Document, heading: str) -> Iterator[str]:
    yield from (f"{heading} {_escaped(document.heading)}", "", _escaped(document.lead))
    for reason, texts in (document.blocking or {}).items():
        yield from ("", f"**{_escaped(reason)}**", "")
        yield from (f"- {_escaped(text)}" for text in texts[:_BLOCKING_SHOWN])
        if len(texts) > _BLOCKING_SHOWN:
            yield f"- and {len(texts) - _BLOCKING_SHOWN} more, below"
    if document.blocking == {}:
        yield from ("", "Nothing blocks.")


def _markdown_parts(document: Document, heading: str) -> Iterator[str]:
    """Pieces that can be left out from the end without breaking the rest."""
    for section in document.sections:
        yield f"\n{heading} {section.title}\n"
        yield from map(_markdown_entry, section.entries)
        if section.table:
            yield "\n".join(_markdown_table(section.table))
        yield from (f"- {sentence}" for sentence in section.sentences)


def _markdown_entry(entry: Entry) -> str:
    text = _escaped(entry.text)
    lines = [f"- {f'**{text}**' if entry.mark is Mark.DANGER else text}"]
    for note in map(_escaped, entry.notes):
        lines.append(f"  - {f'**{note}**' if note.startswith(_LOUD_NOTES) else note}")
    if entry.rows:
        changed = (f"  {line}" for row in entry.rows for line in _diff_lines(row))
        block = ["  ```diff", *changed, "  ```"]
        if len(entry.rows) > _OPEN_ROWS:
            title = f"  <details><summary>{len(entry.rows)} values</summary>"
            block = [title, "", *block, "", "  </details>"]
        lines += ["", *block, ""]
    return "\n".join(lines)


def _diff_lines(row: Row) -> Iterator[str]:
    for sign, value in (("-", row.before), ("+", row.after)):
        if value is not None:
            one_line = value.replace("\n", "⏎").replace("```", "'''")
            yield f"{sign} {row.path}: {one_line}"


def _markdown_table(table: Table) -> Iterator[str]:
    rules = ("---" if table.is_left(column) else "---:" for column in range(len(table.header)))
    for cells in (table.header, tuple(rules), *table.rows):
        yield f"| {' | '.join(cells)} |"
    yield ""


def _escaped(text: str) -> str:
    """Text that Markdown takes as it is."""
    for character in "\\`*_>|#[]":
        text = text.replace(character, f"\\{character}")
    text = text.replace("<", "&lt;")
    # A name at the beginning of a word would call a person.
    return text.replace("@", "@\u200b")


def print_document(document: Document, console: Console) -> None:
    """Prints lines, without colours where the console has none; the same words everywhere."""
    console.print(Text(document.heading, "bold red" if document.blocking else "bold"))
    console.print(Text(document.lead))
    for section in document.sections:
        console.print()
        console.print(Text(section.title, "bold underline"))
        for entry in section.entries:
            _print_entry(entry, console)
        for line in _table_lines(section.table) if section.table else ():
            console.print(line)
        for sentence in section.sentences:
            console.print(Text(sentence))
    if document.blocking is not None:
        console.print()
        _print_blocking(document.blocking, console)


def _print_entry(entry: Entry, console: Console) -> None:
    console.print(Text(f"  {entry.mark.value} {entry.text}", _STYLES[entry.mark]))
    for note in entry.notes:
        console.print(Text(f"      {note}", "bold red" if note.startswith("DATA LOSS") else "dim"))
    for row in entry.rows:
        _print_row(row, console)


def _print_row(row: Row, console: Console) -> None:
    if row.before is None:
        console.print(Text(f"      + {row.path}: {row.after}", "green"))
    elif row.after is None:
        console.print(Text(f"      - {row.path}: {row.before}", "red"))
    elif len(row.path) + len(row.before) + len(row.after) < 90:
        text = Text(f"      {row.path}: ").append(row.before, "red").append(" → ")
        console.print(text.append(row.after, "green"))
    else:
        console.print(Text(f"      {row.path}:"))
        console.print(Text(f"        - {row.before}", "red"))
        console.print(Text(f"        + {row.after}", "green"))


def _table_lines(table: Table) -> Iterator[Text]:
    """As wide as its cells are: a line that a terminal wraps loses nothing."""
    rows = (table.header, *table.rows)
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            cell.ljust(width) if table.is_left(column) else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        is_highlighted = table.highlight and table.highlight in row[-1]
        style = "dim" if row is table.header else "green" if is_highlighted else ""
        yield Text("  ".join(cells).rstrip(), style)


def _print_blocking(blocking: Mapping[str, Sequence[str]], console: Console) -> None:
    if not blocking:
        console.print(Text("Nothing blocks", "bold green"))
        return
    console.print(Text("Blocked", "bold red"))
    for reason, texts in blocking.items():
        console.print(Text(f"  {reason}", "bold"))
        for text in texts:
            console.print(Text(f"    ! {text}", "red"))


def html(document: Document) -> str:
    """Writes a document of entries as one page that needs nothing else; all text is escaped."""
    # Only a page needs it, and commands that print start sooner without.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415 - see above

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    classes = {mark: mark.name.lower() for mark in Mark}
    template = environment.get_template(_TEMPLATE)
    return template.render(document=document, classes=classes, loud=_LOUD_NOTES)
