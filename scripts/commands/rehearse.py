"""`./scripts/rehearse`: the whole chain on this machine, from dropped images to a served model."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from rehearsal import lifecycle, modes
from scripts import REPOSITORY
from scripts.commands import chain
from scripts.commands.report import tell
from scripts.console import CommandError, Stages, complain, explain, run, warn
from scripts.deployed.boundary import BOUNDARY, make_boundary
from scripts.deployed.cdk import CdkError
from scripts.deployed.pipelines import execution_of_drop
from scripts.deployed.session import STATES, shell_line
from scripts.images.data_sets import DATA_SETS, DEFAULT
from scripts.reports.evidence import Evidence
from scripts.reports.run_report import write_report

ENVIRONMENT = "dev"
DROP_ID = "first"
STAGES = 8
PATIENCE_SECONDS = 10.0
PROGRESS = re.compile(r"\.\.\.$|\d+ ?%")
MARK = ".rehearsal-folder"  # this folder is ours to empty


@dataclass(frozen=True)
class Workplace:
    """The folder of one rehearsal."""

    folder: Path

    @property
    def state(self) -> Path:
        return self.folder / "aws"

    @property
    def images(self) -> Path:
        return self.folder / "images"

    @property
    def assembly(self) -> Path:
        return self.folder / "cdk.out"

    @property
    def log(self) -> Path:
        return self.folder / "cdk.log"

    @property
    def report(self) -> Path:
        return self.folder / "report.html"


def main(argv: list[str] | None = None) -> int:
    arguments = _arguments(argv)
    try:
        return run(lambda console: rehearse(arguments, console))
    except lifecycle.LifecycleError as error:
        return complain(str(error))


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    made = argparse.ArgumentParser(
        prog="./scripts/rehearse",
        description="Deploys the stacks to an AWS on this machine, drops images, follows the\n"
        "pipeline, approves the model, asks the endpoint about images, and writes a report, of a\n"
        "run that failed too.",
        epilog="example: ./scripts/rehearse --data photos --hosts 4 --keep",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    images = made.add_mutually_exclusive_group()
    images.add_argument(
        "--data",
        metavar="DIR",
        type=Path,
        help="a folder of class folders with JPEG, PNG or WebP images",
    )
    titles = " or ".join(f"{name} ({data_set.title})" for name, data_set in DATA_SETS.items())
    images.add_argument(
        "--data-set",
        choices=list(DATA_SETS),
        default=DEFAULT,
        help=f"images that a package ships: {titles} (default: %(default)s)",
    )
    made.add_argument(
        "--model",
        choices=chain.network_names(),
        help="the network, see docs/bring-your-own-model.md (default: dev's setting)",
    )
    made.add_argument(
        "--hosts", metavar="N", type=int, help="training hosts (default: dev's setting)"
    )
    made.add_argument(
        "-c",
        "--context",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        type=_pair,
        help="a setting to deploy with, as `cdk deploy -c` takes it; may be given again",
    )
    made.add_argument(
        "--skip-unusable", action="store_true", help="drop the rest where files are no images"
    )
    made.add_argument(
        "--enforce-iam",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="refuse what IAM policies don't allow (default: yes)",
    )
    made.add_argument(
        "--keep", action="store_true", help="leave AWS running, of a run that failed too"
    )
    made.add_argument(
        "--folder",
        metavar="DIR",
        type=Path,
        default=REPOSITORY / ".rehearsal" / "rehearse",
        help="where this rehearsal keeps its things; made anew (default: %(default)s)",
    )
    modes.add_arguments(made)
    return made.parse_args(argv)


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not (key and equals):
        raise argparse.ArgumentTypeError(f"{text!r} is no setting: write it as KEY=VALUE")
    return key, value


def rehearse(arguments: argparse.Namespace, console: Console) -> int:
    # So that what was started is stopped then too.
    signal.signal(signal.SIGTERM, _end)
    place = Workplace(arguments.folder.resolve())
    if arguments.data is not None:
        chain.check_data(arguments.data, console, skip_unusable=arguments.skip_unusable)
    _make_anew(place.folder)
    images = arguments.data
    if images is None:
        # Before anything that takes long, as the package may have to be fetched.
        images = _write_images(place, arguments.data_set, console)
    stages = Stages(console, STAGES)
    with stages.stage("Environments of the images"):
        chain.make_environments(lambda line: _log(place.log, line, console))
    with _aws_on_this_machine(place, arguments, stages, console):
        try:
            _deploy(place, arguments, stages)
        except CdkError as error:
            raise CommandError(str(error)) from error
        _run(place, images, arguments, stages, console)
    return 0


def _write_images(place: Workplace, name: str, console: Console) -> Path:
    data_set = DATA_SETS[name]
    count = data_set.write(place.images)
    console.print(f"{count} {data_set.title} are written to {place.images}.")
    return place.images


def _deploy(place: Workplace, arguments: argparse.Namespace, stages: Stages) -> None:
    context = {} if arguments.data is not None else dict(DATA_SETS[arguments.data_set].context)
    if arguments.model is not None:
        context["training.model"] = arguments.model
    if arguments.hosts is not None:
        context["training.hosts"] = str(arguments.hosts)
    context.update(arguments.context)
    if boundary := context.get(BOUNDARY):
        make_boundary(boundary)
    deployment = chain.Deployment(ENVIRONMENT, dict(os.environ), place.assembly, place.log, context)
    with stages.stage("Synthesise the stacks, bootstrap the account"):
        deployment.bootstrap_and_synthesise()
    with stages.stage("Deploy the stacks"):
        deployment.deploy()


def _run(
    place: Workplace,
    images: Path,
    arguments: argparse.Namespace,
    stages: Stages,
    console: Console,
) -> None:
    with stages.stage("Drop the images", quiet=True):
        chain.drop_folder(images, DROP_ID, ENVIRONMENT, skip_unusable=arguments.skip_unusable)
    try:
        with stages.stage("Follow the pipeline", quiet=True):
            chain.watch_drop(DROP_ID, ENVIRONMENT)
        with stages.stage("Approve the model", quiet=True):
            chain.approve_newest(ENVIRONMENT)
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


def _write_report(place: Workplace) -> Evidence:
    session = boto3.Session()
    execution = execution_of_drop(session, ENVIRONMENT, DROP_ID, PATIENCE_SECONDS)
    return write_report(place.report, session, ENVIRONMENT, execution)


def _report_all_the_same(place: Workplace, console: Console) -> None:
    """Of a run that failed: its own sentence is said afterwards, whatever becomes of this."""
    try:
        tell(_write_report(place), place.report, console)
    except CommandError as error:
        warn(f"No report is written: {error}")
    except (BotoCoreError, ClientError) as error:
        warn(f"No report is written: {explain(error)}")


@contextmanager
def _aws_on_this_machine(
    place: Workplace, arguments: argparse.Namespace, stages: Stages, console: Console
) -> Iterator[None]:
    """Starts the server and points this process at it; stops it at the end, however that comes.

    With `--keep` it goes on, after a failure too: that is when one wants to look and to retry.
    """
    with stages.stage("Start AWS on this machine"):
        led = lifecycle.start(
            place.state,
            enforce_iam=arguments.enforce_iam,
            modes=modes.from_arguments(arguments),
        )
        os.environ.update(led)
        # Some SDKs take a profile's credentials before those of the environment.
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
            os.environ.pop(name, None)
    kept = False
    try:
        yield
        kept = arguments.keep
    except CommandError:
        kept = arguments.keep
        raise
    finally:
        if kept:
            console.print(f"AWS on this machine goes on: {_how_to_use(place)}")
        else:
            lifecycle.stop(place.state)


def _how_to_use(place: Workplace) -> str:
    if place.state in STATES:
        return "./scripts/drop, watch, approve, invoke talk to it; ./scripts/local-aws stop ends it"
    stop = f"./scripts/local-aws stop --state {shlex.quote(str(place.state))}"
    return f"{shell_line(place.state)} leads to it; {stop} ends it"


def _make_anew(folder: Path) -> None:
    """Empties the folder of the rehearsal before.

    Raises:
        CommandError: a rehearsal runs in it, or it holds anything else.
    """
    mark = folder / MARK
    if lifecycle.is_running(Workplace(folder).state):
        raise CommandError(
            f"A rehearsal runs in {folder}: use it (./scripts/drop, watch, approve, invoke), or "
            "end it with ./scripts/local-aws stop and run this again."
        )
    if folder.exists() and not mark.exists() and any(folder.iterdir()):
        raise CommandError(
            f"{folder} holds things that are no rehearsal's: give --folder an empty or new folder."
        )
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    mark.touch()


def _end(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)


def _log(file: Path, line: str, console: Console) -> None:
    """Keeps every line of the installers, and shows those that say what goes on."""
    with file.open("a", encoding="utf-8") as log:
        log.write(f"{line}\n")
    if PROGRESS.search(line):
        console.print(line)


if __name__ == "__main__":
    sys.exit(main())
