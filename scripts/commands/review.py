"""`./scripts/review`: what the working tree changes in what is deployed, or since a revision."""

from io import StringIO
from pathlib import Path

import click
from rich.console import Console

from scripts import REPOSITORY
from scripts.cli import command, context_option, environment_option
from scripts.console import CommandError
from scripts.document import LONGEST_COMMENT, html, markdown, print_document
from scripts.reviews.policy import FINDINGS, check_allowed, load
from scripts.reviews.review import Review, review
from scripts.reviews.sources import compare

BLOCKED = 3


@command("review", example="./scripts/review main -e prod --format markdown --output review.md")
@click.argument("base", required=False)
@click.option(
    "--format",
    "kind",
    type=click.Choice(("terminal", "markdown", "html")),
    default="terminal",
    show_default=True,
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="write there, not to stdout",
)
@click.option(
    "--longest",
    type=int,
    default=LONGEST_COMMENT,
    show_default=True,
    metavar="CHARACTERS",
    help="of Markdown, where several reviews make one comment",
)
@context_option
@click.option(
    "--policy",
    type=click.Path(path_type=Path),
    default=REPOSITORY / "review.toml",
    show_default="review.toml",
    metavar="FILE",
    help="what blocks",
)
@click.option(
    "--allow",
    multiple=True,
    metavar="FINDING",
    help=f"let pass this time: {', '.join(FINDINGS)}",
)
@environment_option
def main(
    console: Console,
    environment: str,
    base: str | None,
    kind: str,
    output: Path | None,
    longest: int,
    context: dict[str, str],
    policy: Path,
    allow: tuple[str, ...],
) -> int:
    """Tells what the working tree changes in what is deployed, or since BASE, a revision of git.

    That is resources, data that is lost, the pipeline step by step, permissions in words,
    parameters, images by their files, costs, and what a rollback would do. The context is that of
    both sides. Ends with 0, with 3 where review.toml blocks something, with 1 on an error.
    """
    check_allowed(allow)
    blocking = load(policy)
    made = review(compare(REPOSITORY, environment, base, context), blocking, allow)
    if kind == "terminal" and output is None:
        print_document(made, console)
    elif output is None:
        console.file.write(_text(made, kind, longest))
    else:
        _write(_text(made, kind, longest), output)
        console.print(made.heading)
    return BLOCKED if made.verdicts else 0


def _write(text: str, file: Path) -> None:
    try:
        file.write_text(text, "utf-8")
    except OSError as error:
        raise CommandError(f"{file} can't be written: {error.strerror}.") from error


def _text(made: Review, kind: str, longest: int) -> str:
    if kind == "terminal":
        lines = StringIO()
        print_document(made, Console(file=lines, markup=False, highlight=False, soft_wrap=True))
        return lines.getvalue()
    return html(made) if kind == "html" else markdown(made, level=2, longest=longest)
