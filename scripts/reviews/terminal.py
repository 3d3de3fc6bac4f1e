"""A review as lines in a terminal or a pipe."""

from rich.console import Console
from rich.text import Text

from scripts.reviews.differences import Row
from scripts.reviews.document import Entry, Mark, Review

_STYLES = {
    Mark.ADDED: "green",
    Mark.CHANGED: "yellow",
    Mark.REMOVED: "red",
    Mark.DANGER: "bold red",
    Mark.NOTE: "dim",
}


def print_review(review: Review, console: Console) -> None:
    """Without colours where the console has none; the same words everywhere."""
    console.print(Text(review.summary, "bold red" if review.verdicts else "bold"))
    console.print(Text(review.title, "dim"))
    for section in review.sections:
        console.print()
        console.print(Text(section.title, "bold underline"))
        for entry in section.entries:
            _print_entry(entry, console)
    _print_verdicts(review, console)


def _print_entry(entry: Entry, console: Console) -> None:
    style = _STYLES[entry.mark]
    console.print(Text(f"  {entry.mark.value} {entry.text}", style))
    for note in entry.notes:
        console.print(Text(f"      {note}", "bold red" if note.startswith("DATA LOSS") else "dim"))
    for row in entry.rows:
        _print_row(row, console)


def _print_row(row: Row, console: Console) -> None:
    if row.before is not None and row.after is not None:
        text = Text(f"      {row.path}:")
        short = len(row.path) + len(row.before) + len(row.after) < 90
        if short:
            text.append(" ").append(row.before, "red").append(" → ").append(row.after, "green")
            console.print(text)
            return
        console.print(text)
        console.print(Text(f"        - {row.before}", "red"))
        console.print(Text(f"        + {row.after}", "green"))
    elif row.after is not None:
        console.print(Text(f"      + {row.path}: {row.after}", "green"))
    else:
        console.print(Text(f"      - {row.path}: {row.before}", "red"))


def _print_verdicts(review: Review, console: Console) -> None:
    if not review.findings:
        return
    console.print()
    if not review.verdicts:
        console.print(Text("Nothing blocks", "bold green"))
        return
    console.print(Text("Blocked", "bold red"))
    for reason, texts in review.reasons.items():
        console.print(Text(f"  {reason}", "bold"))
        for text in texts:
            console.print(Text(f"    ! {text}", "red"))
