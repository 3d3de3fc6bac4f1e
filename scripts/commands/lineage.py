"""`./scripts/lineage`: which objects made a model, and which models an object made."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from scripts.console import parser, run
from scripts.deployed import stacks
from scripts.deployed.session import aws_session
from scripts.lineages.answers import FORMATS, Sources, print_dataset, print_model
from scripts.lineages.models import Models
from scripts.lineages.objects import NONE, Content, print_object
from scripts.lineages.store import LineageStore


def main(argv: list[str] | None = None) -> int:
    arguments = _arguments(argv)
    return run(lambda console: arguments.tell(_sources(arguments), arguments, console))


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    made = parser(
        "lineage",
        "Leads from a model to every object that made it, and from an object to every model that\n"
        "was trained, validated or tested on it.",
        "./scripts/lineage object s3://bucket/drops/first/7/digit-00007.png",
    )
    kinds = made.add_subparsers(required=True, metavar="{model,object,dataset}")
    _add_model(kinds)
    _add_object(kinds)
    _add_dataset(kinds)
    return made.parse_args(argv)


def _add_model(kinds: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    made = _add(
        kinds,
        "model",
        "The execution, drops, manifests and objects that made a model package.",
        "./scripts/lineage model 3 --format csv > objects.csv",
        _model,
    )
    made.add_argument("package", help="its ARN, its version number, or latest (the newest version)")
    made.add_argument(
        "--format",
        choices=FORMATS,
        default="text",
        help="json: a line for the summary and one an object; csv: objects only (default: text)",
    )
    made.add_argument("--summary", action="store_true", help="without the objects")


def _add_object(kinds: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    made = _add(
        kinds,
        "object",
        "Every model that was trained, validated or tested on an object's content, under this\n"
        f"name or another. The exit status is 0 where there is one, {NONE} where there is none.",
        "./scripts/lineage object --file photo.jpg --json",
        _object,
    )
    which = made.add_mutually_exclusive_group(required=True)
    which.add_argument("uri", nargs="?", metavar="s3://BUCKET/KEY[?versionId=ID]")
    which.add_argument("--sha256", metavar="HEX", help="the content with this SHA-256")
    which.add_argument("--file", type=Path, help="the content of this file")
    made.add_argument("--json", action="store_true", help="one JSON document")


def _add_dataset(kinds: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    made = _add(
        kinds,
        "dataset",
        "The report of an execution's dataset: counts, sizes, duplicates, changes, warnings.",
        "./scripts/lineage dataset",
        _dataset,
    )
    made.add_argument("execution", nargs="?", help="its id or ARN (default: the newest)")
    made.add_argument("--json", action="store_true", help="dataset.json as it is")


Tell = Callable[[Sources, argparse.Namespace, Console], int]


def _add(
    kinds: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    description: str,
    example: str,
    tell: Tell,
) -> argparse.ArgumentParser:
    made = kinds.add_parser(
        name,
        help=description.partition(".")[0].replace("\n", " "),
        description=description,
        epilog=f"example: {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    # After the question too, where one types it at the other commands.
    made.add_argument(
        "--environment",
        default=argparse.SUPPRESS,
        help="dev, staging or prod, or a sandbox like dev-anna (default: dev)",
    )
    made.set_defaults(tell=tell)
    return made


def _model(sources: Sources, arguments: argparse.Namespace, console: Console) -> int:
    package, form = arguments.package, arguments.format
    print_model(sources, package, form, console, is_summary=arguments.summary)
    return 0


def _object(sources: Sources, arguments: argparse.Namespace, console: Console) -> int:
    content = Content(arguments.uri, arguments.sha256, arguments.file)
    return print_object(sources, content, console, as_json=arguments.json)


def _dataset(sources: Sources, arguments: argparse.Namespace, console: Console) -> int:
    print_dataset(sources, arguments.execution, console, as_json=arguments.json)
    return 0


def _sources(arguments: argparse.Namespace) -> Sources:
    session = aws_session()
    data = stacks.outputs_of(stacks.describe(session, arguments.environment, "data"))
    return Sources(
        environment=arguments.environment,
        drops_bucket=data["DropsBucketName"],
        working_bucket=data["WorkingBucketName"],
        store=LineageStore(session, data["ArtifactsBucketName"]),
        models=Models(session, arguments.environment),
    )


if __name__ == "__main__":
    sys.exit(main())
