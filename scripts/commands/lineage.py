"""`./scripts/lineage`: which objects made a model, and which models an object made."""

from pathlib import Path

import click
from rich.console import Console

from infra.names import ARTIFACTS_BUCKET_NAME, DROPS_BUCKET_NAME, WORKING_BUCKET_NAME
from scripts.cli import environment_option, exclusive, group, subcommand
from scripts.deployed import stacks
from scripts.deployed.session import aws_session
from scripts.lineages.answers import FORMATS, Sources, print_dataset, print_model
from scripts.lineages.models import Models
from scripts.lineages.objects import Content, print_object
from scripts.lineages.store import LineageStore


@group("lineage", example="./scripts/lineage object s3://bucket/drops/first/7/digit-00007.png")
@environment_option
@click.pass_context
def main(context: click.Context, environment: str) -> None:
    """Leads from a model to every object that made it, and from an object to its models."""
    # The environment may be given before the sub-command, too.
    context.default_map = {name: {"environment": environment} for name in main.commands}


@subcommand(main, "model", example="./scripts/lineage model 3 --format csv > objects.csv")
@click.argument("package")
@click.option(
    "--format",
    "kind",
    type=click.Choice(FORMATS),
    default="text",
    show_default=True,
    help="json: a line for the summary and one an object; csv: objects only",
)
@click.option("--summary", is_flag=True, help="without the objects")
@environment_option
def _model(console: Console, environment: str, package: str, kind: str, summary: bool) -> int:
    """Tells the execution, drops, manifests and objects that made a model package.

    PACKAGE is its ARN, its version number, or latest (the newest version).
    """
    print_model(_sources(environment), package, kind, console, is_summary=summary)
    return 0


@subcommand(main, "object", example="./scripts/lineage object --file photo.jpg --json")
@click.argument("uri", metavar="[s3://BUCKET/KEY[?versionId=ID]]", required=False)
@click.option("--sha256", metavar="HEX", help="the content with this SHA-256")
@click.option("--file", type=click.Path(path_type=Path), help="the content of this file")
@click.option("--json", "as_json", is_flag=True, help="one JSON document")
@environment_option
def _object(
    console: Console,
    environment: str,
    uri: str | None,
    sha256: str | None,
    file: Path | None,
    as_json: bool,
) -> int:
    """Tells every model that was trained, validated or tested on an object's content.

    The content may have been under this name or another. The exit status is 0 where there is such a
    model, 3 where there is none.
    """
    exclusive(sha256=sha256, file=file, uri=uri)
    if not (uri or sha256 or file):
        raise click.UsageError("No object is named: give its address, --sha256 or --file.")
    content = Content(uri, sha256, file)
    return print_object(_sources(environment), content, console, as_json=as_json)


@subcommand(main, "dataset", example="./scripts/lineage dataset")
@click.argument("execution", required=False)
@click.option("--json", "as_json", is_flag=True, help="dataset.json as it is")
@environment_option
def _dataset(console: Console, environment: str, execution: str | None, as_json: bool) -> int:
    """Reports on an execution's dataset: counts, sizes, duplicates, changes, warnings.

    EXECUTION is its id or its ARN; without it, the newest is meant.
    """
    print_dataset(_sources(environment), execution, console, as_json=as_json)
    return 0


def _sources(environment: str) -> Sources:
    session = aws_session()
    data = stacks.outputs_of(stacks.describe(session, environment, "data"))
    return Sources(
        environment=environment,
        drops_bucket=data[DROPS_BUCKET_NAME],
        working_bucket=data[WORKING_BUCKET_NAME],
        store=LineageStore(session, data[ARTIFACTS_BUCKET_NAME]),
        models=Models(session, environment),
    )
