"""`./scripts/rehearse`: the whole chain on this machine, from dropped images to a served model."""

import os
import re
import shlex
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import boto3
import click
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from rehearsal import lifecycle
from rehearsal.images import environments
from rehearsal.images.errors import ImageError
from rehearsal.modes import Modes, mode_options
from rehearsal.settings import default_cache
from scripts import REPOSITORY
from scripts.cli import Command, command, context_option, exclusive
from scripts.commands import approve, drop, watch
from scripts.commands.local_aws import enforce_iam_option
from scripts.commands.report import tell
from scripts.console import INTERRUPTED, CommandError, Stages, explain, warn
from scripts.deployed.cdk import BOUNDARY, Cdk, make_boundary
from scripts.deployed.pipelines import execution_of_drop
from scripts.deployed.session import STATES, shell_line
from scripts.deployed.workplace import Workplace, make_anew
from scripts.images.contents import check_trainable
from scripts.images.data_sets import DATA_SETS, DEFAULT, DataSet
from scripts.reports.evidence import Evidence
from scripts.reports.run_report import write_report

ENVIRONMENT = "dev"
DROP_ID = "first"
STAGES = 8
PATIENCE_SECONDS = 10.0
PROGRESS = re.compile(r"\.\.\.$|\d+ ?%")
IMAGES = ("processing", "inference", "training")
CONTAINERS = REPOSITORY / "containers"
NETWORKS = CONTAINERS / "training" / "training" / "models"


def network_names() -> list[str]:
    """The networks that can be trained: the files of their folder but for helpers."""
    return sorted(file.stem for file in NETWORKS.glob("[a-z]*.py"))


@dataclass(frozen=True)
class Options:
    """What a person asks; `main` tells what each is."""

    data: Path | None
    data_set: str | None
    model: str | None
    hosts: int | None
    context: dict[str, str]
    skip_unusable: bool
    enforce_iam: bool
    keep: bool
    folder: Path
    modes: Modes

    @property
    def chosen_data_set(self) -> DataSet:
        """The images to rehearse with where no folder is given."""
        return DATA_SETS[self.data_set or DEFAULT]


_TITLES = " or ".join(f"{name} ({data_set.title})" for name, data_set in DATA_SETS.items())


@command("rehearse", example="./scripts/rehearse --data photos --hosts 4 --keep")
@click.option(
    "--data",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="a folder of class folders with JPEG, PNG or WebP images",
)
@click.option(
    "--data-set",
    type=click.Choice(list(DATA_SETS)),
    help=f"images that a package ships: {_TITLES} (default: {DEFAULT})",
)
@click.option(
    "--model",
    type=click.Choice(network_names()),
    help="the network, see docs/bring-your-own-model.md (default: dev's setting)",
)
@click.option("--hosts", metavar="N", type=int, help="training hosts (default: dev's setting)")
@context_option
@click.option("--skip-unusable", is_flag=True, help="drop the rest where files are no images")
@enforce_iam_option
@click.option("--keep", is_flag=True, help="leave AWS running, of a run that failed too")
@click.option(
    "--folder",
    metavar="DIR",
    type=click.Path(path_type=Path),
    default=REPOSITORY / ".rehearsal" / "rehearse",
    show_default=".rehearsal/rehearse",
    help="where this rehearsal keeps its things; made anew",
)
@mode_options
def main(console: Console, **given: Any) -> int:
    """Rehearses the whole chain on this machine, from dropped images to a served model.

    It deploys the stacks to an AWS on this machine, drops images, follows the pipeline, approves
    the model, asks the endpoint about images, and writes a report, of a run that failed too.
    """
    options = Options(**given)
    exclusive(data=options.data, data_set=options.data_set)
    # So that what was started is stopped then too.
    signal.signal(signal.SIGTERM, _end)
    place = Workplace(options.folder.resolve())
    if options.data is not None:
        check_trainable(options.data, console, skip_unusable=options.skip_unusable)
    make_anew(place.folder)
    # Before anything that takes long, as the package may have to be fetched.
    images = options.data or place.images
    if options.data is None:
        written = options.chosen_data_set.write(images)
        console.print(f"{written} {options.chosen_data_set.title} are written to {images}.")
    stages = Stages(console, STAGES)
    with stages.stage("Environments of the images"):
        make_environments(lambda line: _log(place.log, line, console))
    with _aws_on_this_machine(place, options, stages, console):
        _deploy(place, options, stages)
        _run(place, images, options, stages, console)
    return 0


def make_environments(report: Callable[[str], None]) -> None:
    """Makes each image's Python environment, or raises CommandError; the first compiles Horovod."""
    for image in IMAGES:
        try:
            environments.prepare(
                CONTAINERS, f"{image}/Dockerfile", cache=default_cache(), report=report
            )
        except ImageError as error:
            raise CommandError(f"The environment of the image {image}: {error}") from error


def _deploy(place: Workplace, options: Options, stages: Stages) -> None:
    context = {} if options.data is not None else dict(options.chosen_data_set.context)
    if options.model is not None:
        context["training.model"] = options.model
    if options.hosts is not None:
        context["training.hosts"] = str(options.hosts)
    context.update(options.context)
    if boundary := context.get(BOUNDARY):
        make_boundary(boundary)
    cdk = Cdk(ENVIRONMENT, dict(os.environ), place.assembly, place.log, context)
    with stages.stage("Synthesise the stacks, bootstrap the account"):
        cdk.bootstrap_and_synthesise()
    with stages.stage("Deploy the stacks"):
        cdk.deploy()


def _run(
    place: Workplace,
    images: Path,
    options: Options,
    stages: Stages,
    console: Console,
) -> None:
    with stages.stage("Drop the images", quiet=True):
        words = [str(images), "--id", DROP_ID, *["--skip-unusable"] * options.skip_unusable]
        _type(drop.main, words)
    try:
        with stages.stage("Follow the pipeline", quiet=True):
            _type(watch.main, ["--drop", DROP_ID])
        with stages.stage("Approve the model", quiet=True):
            _type(approve.main, [])
    except CommandError:
        _report_all_the_same(place, console)
        raise
    with stages.stage("Ask the endpoint, write the report", quiet=True):
        evidence = _write_report(place)
        if not evidence.answers:
            raise CommandError(f"The endpoint was not asked: {evidence.missing['answers']}")
        for answer in evidence.answers[:5]:
            console.print(f"{answer.key}: {answer.served_label} ({answer.served_probability:.1%})")
    tell(evidence, place.report, console)


def _type(command: Command, words: Sequence[str]) -> None:
    """Runs a command as a person would; it says in its own sentence what is wrong."""
    status = command([*words, "--environment", ENVIRONMENT])
    if status == INTERRUPTED:
        raise KeyboardInterrupt("The rehearsal ends here too.")
    if status != 0:
        raise CommandError(f"The rehearsal ends here, as ./scripts/{command.name} did not succeed.")


def _write_report(place: Workplace) -> Evidence:
    session = boto3.Session()
    execution = execution_of_drop(session, ENVIRONMENT, DROP_ID, PATIENCE_SECONDS)
    return write_report(place.report, session, ENVIRONMENT, execution)


def _report_all_the_same(place: Workplace, console: Console) -> None:
    """Of a run that failed: its own sentence is said afterwards, whatever becomes of this."""
    try:
        tell(_write_report(place), place.report, console)
    except (CommandError, BotoCoreError, ClientError) as error:
        why = error if isinstance(error, CommandError) else explain(error)
        warn(f"No report is written: {why}")


@contextmanager
def _aws_on_this_machine(
    place: Workplace, options: Options, stages: Stages, console: Console
) -> Iterator[None]:
    """Starts the server and points this process at it; stops it at the end, however that comes.

    With `--keep` it goes on, after a failure too: that is when one wants to look and to retry.
    """
    with stages.stage("Start AWS on this machine"):
        os.environ.update(
            lifecycle.start(place.state, enforce_iam=options.enforce_iam, modes=options.modes)
        )
        # Some SDKs take a profile's credentials before those of the environment.
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
            os.environ.pop(name, None)
    kept = False
    try:
        yield
        kept = options.keep
    except CommandError:
        kept = options.keep
        raise
    finally:
        if kept:
            console.print(f"AWS on this machine goes on: {_how_to_use(place.state)}")
        else:
            lifecycle.stop(place.state)


def _how_to_use(state: Path) -> str:
    if state in STATES:
        return "./scripts/drop, watch, approve, invoke talk to it; ./scripts/local-aws stop ends it"
    stop = f"./scripts/local-aws stop --state {shlex.quote(str(state))}"
    return f"{shell_line(state)} leads to it; {stop} ends it"


def _end(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)


def _log(file: Path, line: str, console: Console) -> None:
    """Keeps every line of the installers, and shows those that say what goes on."""
    with file.open("a", encoding="utf-8") as log:
        log.write(f"{line}\n")
    if PROGRESS.search(line):
        console.print(line)
