"""A plan as Markdown."""

from collections.abc import Iterator

from scripts.planning.document import Document, Table


def markdown(document: Document) -> str:
    lines = [f"# {document.title}", "", document.summary]
    for section in document.sections:
        lines += ["", f"## {section.title}", ""]
        if section.table:
            lines += [*_table(section.table), ""]
        lines += [f"- {sentence}" for sentence in section.sentences]
    return "\n".join(lines).rstrip() + "\n"


def _table(table: Table) -> Iterator[str]:
    yield _row(table.header)
    yield _row(
        "---" if number < table.left or not name else "---:"
        for number, name in enumerate(table.header)
    )
    yield from map(_row, table.rows)


def _row(cells: "Iterator[str] | tuple[str, ...]") -> str:
    return f"| {' | '.join(cells)} |"
