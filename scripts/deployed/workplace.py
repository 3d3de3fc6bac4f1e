"""The folder of one rehearsal: its AWS, images, stacks, log and report."""

import shutil
from pathlib import Path

from rehearsal import lifecycle
from scripts.console import CommandError

_MARK = ".rehearsal-folder"  # this folder is ours to empty


class Workplace:
    """The folder of one rehearsal.

    Attributes:
        state: folder of AWS on this machine.
        images: those that were written for it.
        assembly: the synthesised stacks.
        log: what the CDK CLI and the installers said.
        report: the page about the run.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder / "aws"
        self.images = folder / "images"
        self.assembly = folder / "cdk.out"
        self.log = folder / "cdk.log"
        self.report = folder / "report.html"


def make_anew(folder: Path) -> None:
    """Empties the folder; CommandError where a rehearsal runs there, or it holds anything else."""
    mark = folder / _MARK
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
