"""The folder of one rehearsal: its AWS, images, stacks, log and report."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from rehearsal import lifecycle
from scripts.console import CommandError

_MARK = ".rehearsal-folder"  # this folder is ours to empty


@dataclass(frozen=True)
class Workplace:
    """The folder of one rehearsal."""

    folder: Path

    @property
    def state(self) -> Path:
        """The state of AWS on this machine."""
        return self.folder / "aws"

    @property
    def images(self) -> Path:
        """Images that were written for it."""
        return self.folder / "images"

    @property
    def assembly(self) -> Path:
        """The synthesised stacks."""
        return self.folder / "cdk.out"

    @property
    def log(self) -> Path:
        """What the CDK CLI and the installers said."""
        return self.folder / "cdk.log"

    @property
    def report(self) -> Path:
        """The page about the run."""
        return self.folder / "report.html"


def make_anew(folder: Path) -> None:
    """Empties the folder of the rehearsal before.

    Raises:
        CommandError: a rehearsal runs in it, or it holds anything else.
    """
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
