"""A plan as lines in a terminal or a pipe."""

from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from scripts.planning.document import STOPS, Document, Table


def print_plan(document: Document, console: Console) -> None:
    console.print(Text(document.title, "bold"))
    console.print(Text(document.summary))
    for section in document.sections:
        console.print()
        console.print(Text(section.title, "bold underline"))
        if section.table:
            for line in _lines(section.table):
                console.print(line)
        for sentence in section.sentences:
            console.print(Text(sentence))


def _lines(table: Table) -> Iterator[Text]:
    """As wide as its cells are: a line that a terminal wraps loses nothing."""
    rows = (table.header, *table.rows)
    widths = [max(len(row[number]) for row in rows) for number in range(len(table.header))]
    for row in rows:
        cells = [
            cell.ljust(width) if number < table.left or not name else cell.rjust(width)
            for number, (cell, width, name) in enumerate(
                zip(row, widths, table.header, strict=True)
            )
        ]
        style = "dim" if row is table.header else "green" if STOPS in row[-1] else ""
        yield Text("  ".join(cells).rstrip(), style)
