"""`./scripts/review`: what the working tree changes in what is deployed, or since a revision."""

import argparse
import sys
from io import StringIO
from pathlib import Path

from rich.console import Console

from scripts import REPOSITORY
from scripts.console import CommandError, parser, run
from scripts.document import LONGEST_COMMENT, html, markdown, print_document
from scripts.reviews.policy import FINDINGS, check_allowed, load
from scripts.reviews.review import Review, review
from scripts.reviews.sources import compare

BLOCKED = 3


def main(argv: list[str] | None = None) -> int:
    arguments = _arguments(argv)
    return run(lambda console: command(arguments, console))


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    made = parser(
        "review",
        "Tells what the working tree changes: resources, data that is lost, the pipeline step by\n"
        "step, permissions in words, parameters, images by their files, costs, and what a\n"
        "rollback would do. Compares with what is deployed, or with BASE, a revision of git.\n"
        "Ends with 0, with 3 where review.toml blocks something, with 1 on an error.",
        "./scripts/review main --env prod --format markdown --output review.md",
    )
    made.add_argument("base", nargs="?", metavar="BASE", help="a branch, tag or commit")
    made.add_argument("--format", choices=("terminal", "markdown", "html"), default="terminal")
    made.add_argument("--output", type=Path, metavar="FILE", help="write there, not to stdout")
    made.add_argument(
        "--longest",
        type=int,
        default=LONGEST_COMMENT,
        metavar="CHARACTERS",
        help="of Markdown, where several reviews make one comment (default: %(default)s)",
    )
    made.add_argument(
        *("-c", "--context"),
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="CDK context, as it is deployed with; may be given several times",
    )
    made.add_argument(
        "--policy",
        type=Path,
        default=REPOSITORY / "review.toml",
        metavar="FILE",
        help="what blocks (default: review.toml)",
    )
    made.add_argument(
        "--allow",
        action="append",
        default=[],
        metavar="FINDING",
        help=f"let pass this time: {', '.join(FINDINGS)}",
    )
    return made.parse_args(argv)


def command(arguments: argparse.Namespace, console: Console) -> int:
    """Writes the review; gives the exit status."""
    check_allowed(arguments.allow)
    policy = load(arguments.policy)
    context = dict(_context(pair) for pair in arguments.context)
    made = review(
        compare(REPOSITORY, arguments.environment, arguments.base, context),
        policy,
        arguments.allow,
    )
    _write(made, arguments, console)
    return BLOCKED if made.verdicts else 0


def _context(pair: str) -> tuple[str, str]:
    key, equals, value = pair.partition("=")
    if not equals:
        raise CommandError(f"{pair!r} is no context: write KEY=VALUE, e.g. training.hosts=4.")
    return key, value


def _write(made: Review, arguments: argparse.Namespace, console: Console) -> None:
    output: Path | None = arguments.output
    if arguments.format == "terminal" and output is None:
        print_document(made, console)
        return
    text = _text(made, arguments)
    if output is None:
        console.file.write(text)
        return
    try:
        output.write_text(text, "utf-8")
    except OSError as error:
        raise CommandError(f"{output} can't be written: {error.strerror}.") from error
    console.print(made.heading)


def _text(made: Review, arguments: argparse.Namespace) -> str:
    if arguments.format == "terminal":
        lines = StringIO()
        print_document(made, Console(file=lines, markup=False, highlight=False, soft_wrap=True))
        return lines.getvalue()
    return (
        html(made)
        if arguments.format == "html"
        else markdown(made, level=2, longest=arguments.longest)
    )


if __name__ == "__main__":
    sys.exit(main())
