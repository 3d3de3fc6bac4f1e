"""The stages of a rehearsal, each by the very command that a person would type."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import boto3
from rich.console import Console

from rehearsal.images import environments
from rehearsal.images.errors import ImageError
from rehearsal.settings import default_cache
from scripts import REPOSITORY
from scripts.commands import approve, drop, watch
from scripts.commands.drop import CHANNELS
from scripts.console import INTERRUPTED, CommandError, progress
from scripts.deployed import cdk
from scripts.images.contents import check_usable, list_files, read_images, shortcomings

IMAGES = ("processing", "inference", "training")
CONTAINERS = REPOSITORY / "containers"
NETWORKS = CONTAINERS / "training" / "training" / "models"


def check_data(folder: Path, console: Console, *, skip_unusable: bool = False) -> None:
    """Refuses a folder that no pipeline could train on, before anything takes time.

    Raises:
        CommandError: what is wrong with it.
    """
    listing = list_files(folder)
    with progress(console, "Checked", len(listing.files)) as done:
        contents = read_images(listing, done)
    if not skip_unusable:
        check_usable(contents, folder)
    lacking = shortcomings(contents, folder, CHANNELS)
    if lacking is not None:
        raise CommandError(f"{lacking[0].upper()}{lacking[1:]}: add images and run it again.")


def network_names() -> list[str]:
    """The networks that can be trained: the files of their folder but for helpers."""
    return sorted(file.stem for file in NETWORKS.glob("[a-z]*.py"))


def make_environments(report: Callable[[str], None]) -> None:
    """Makes the Python environment of each image; the first time Horovod is compiled.

    Raises:
        CommandError: one can't be made.
    """
    for image in IMAGES:
        try:
            environments.prepare(
                CONTAINERS, f"{image}/Dockerfile", cache=default_cache(), report=report
            )
        except ImageError as error:
            raise CommandError(f"The environment of the image {image}: {error}") from error


@dataclass(frozen=True)
class Deployment:
    """One environment's stacks, deployed by the CDK CLI to the AWS that `variables` name.

    Attributes:
        assembly: folder of the synthesised stacks.
        log: file that all output of the CLI goes to.
        context: CDK context, for example `{"training.hosts": "4"}`.
    """

    environment: str
    variables: dict[str, str]
    assembly: Path
    log: Path
    context: dict[str, str]

    def bootstrap_and_synthesise(self) -> None:
        """Both at once, as neither needs the other.

        Raises:
            scripts.deployed.cdk.CdkError: the CLI failed.
        """
        bootstrap = cdk.start(["bootstrap", self._target()], self.variables, self.log)
        try:
            self._synthesise()
        except BaseException:
            cdk.stop(bootstrap)
            raise
        cdk.finish(bootstrap, self.log)

    def deploy(self) -> None:
        """Deploys every stack of the environment.

        Raises:
            scripts.deployed.cdk.CdkError: the CLI failed.
        """
        arguments = [
            "deploy",
            f"{self.environment}/*",
            "--app",
            str(self.assembly),
            "--require-approval",
            "never",
            "--concurrency",
            "6",
        ]
        cdk.finish(cdk.start(arguments, self.variables, self.log), self.log)

    def _target(self) -> str:
        sts = boto3.client("sts")
        return f"aws://{sts.get_caller_identity()['Account']}/{sts.meta.region_name}"

    def _synthesise(self) -> None:
        context = [word for key, value in self.context.items() for word in ("-c", f"{key}={value}")]
        # One environment alone takes a third of the time of all three.
        context += ["-c", f"environment={self.environment}"]
        arguments = ["synth", "--quiet", "--output", str(self.assembly), *context]
        cdk.finish(cdk.start(arguments, self.variables, self.log), self.log)


def drop_folder(folder: Path, drop_id: str, environment: str, *, skip_unusable: bool) -> None:
    words = [str(folder), "--id", drop_id, "--environment", environment]
    _succeed(drop.main([*words, "--skip-unusable"] if skip_unusable else words), "drop")


def watch_drop(drop_id: str, environment: str) -> None:
    _succeed(watch.main(["--drop", drop_id, "--environment", environment]), "watch")


def approve_newest(environment: str) -> None:
    _succeed(approve.main(["--environment", environment]), "approve")


def _succeed(status: int, command: str) -> None:
    """Each command has said in its own sentence what is wrong.

    Raises:
        KeyboardInterrupt: a person ended it.
        CommandError: it failed.
    """
    if status == INTERRUPTED:
        raise KeyboardInterrupt("The rehearsal ends here too.")
    if status != 0:
        raise CommandError(f"The rehearsal ends here, as ./scripts/{command} did not succeed.")
