"""Templates of a tree, written by its own app as the CDK CLI has it written."""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from infra.assembly import template_files
from scripts import REPOSITORY
from scripts.console import CommandError
from scripts.reviews.stacks import Template

_LOG = REPOSITORY / ".rehearsal" / "review.log"
_OURS = "shardwise: "
# As `infra.settings` refuses a key of the context, or of a file; what else a revision wrote ends a
# review.
UNKNOWN_SETTING = re.compile(r"-c (\S+) sets nothing\b|.*: (\S+) is no setting\b")
# What the CLI adds to the context: https://docs.aws.amazon.com/cdk/v2/guide/featureflags.html
_CONTEXT_OF_THE_CLI = {"aws:cdk:enable-path-metadata": True, "aws:cdk:enable-asset-metadata": True}


class UnknownSettingError(CommandError):
    """The tree knows no setting, or section, of that name: of the context's, or of the file's."""

    def __init__(self, key: str, message: str, *, is_in_file: bool) -> None:
        super().__init__(message)
        self.key = key
        self.is_in_file = is_in_file


class Synthesis:
    """One that is under way, by the process of the app."""

    def __init__(
        self, tree: Path, environment: str, context: Mapping[str, str], out: Path, label: str = ""
    ) -> None:
        """Starts it; see `synthesis`, which also ends it."""
        self._environment = environment
        self._label = label
        self._out = out
        self._log = out.with_suffix(".log")
        try:
            settled = json.loads((tree / "cdk.json").read_text("utf-8")).get("context", {})
        except (OSError, ValueError) as error:
            raise CommandError(f"{tree / 'cdk.json'} can't be read: {error}.") from error
        name, _, qualifier = environment.partition("-")
        chosen = {"environment": name, **({"qualifier": qualifier} if qualifier else {}), **context}
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "app.py"],
                cwd=tree,
                env=_process_environment(out, {**settled, **_CONTEXT_OF_THE_CLI, **chosen}),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def templates(self) -> dict[str, Template]:
        """Waits for the templates, by unit.

        Raises:
            UnknownSettingError: the tree knows no setting of a name that it is given.
            CommandError: the app failed, or makes no stack of this environment.
        """
        if self.process.wait() != 0:
            raise self._error()
        prefix = f"shardwise-{self._environment}-"
        stacks = template_files(self._out)
        templates = {
            name.removeprefix(prefix): json.loads(file.read_text("utf-8"))
            for name, file in stacks.items()
            if name.startswith(prefix)
        }
        if not templates:
            raise CommandError(
                f"The app makes no stack {prefix}…, only {', '.join(stacks) or 'none'}: "
                "name another --environment."
            )
        return templates

    def _error(self) -> CommandError:
        what = f"{self._environment} of {self._label}" if self._label else self._environment
        reason = self._reason()
        message = f"{what} can't be synthesised: {reason}"
        unknown = UNKNOWN_SETTING.match(reason)
        if unknown is None:
            return CommandError(message)
        return UnknownSettingError(unknown[1] or unknown[2], message, is_in_file=not unknown[1])

    def _reason(self) -> str:
        text = self._log.read_text("utf-8", errors="replace")
        _LOG.parent.mkdir(parents=True, exist_ok=True)
        _LOG.write_text(text, "utf-8")
        lines = [line for line in text.splitlines() if line.strip()]
        ours = [line for line in lines if line.startswith(_OURS)]
        # What broke a rule is in the log too, and the report goes with its folder.
        report = str(self._out / "validation-report.json")
        reason = (ours or lines or ["it says nothing."])[-1].removeprefix(_OURS)
        return f"{reason.replace(report, str(_LOG)).rstrip('.')} (its log: {_LOG})."


@contextmanager
def synthesis(
    tree: Path, environment: str, context: Mapping[str, str], out: Path, label: str = ""
) -> Iterator[Synthesis]:
    """Starts one into a folder; nothing of it runs any more afterwards.

    Args:
        environment: e.g. `dev`, or `dev-anna` with a qualifier.
        label: what errors call the tree where there are several.
    """
    started = Synthesis(tree, environment, context, out, label)
    try:
        yield started
    finally:
        if started.process.poll() is None:
            started.process.terminate()
            started.process.wait()


def templates_of(environment: str) -> dict[str, Template]:
    """An environment's templates in the working tree, by unit; CommandError where it has none."""
    with (
        tempfile.TemporaryDirectory(prefix="synthesis-") as folder,
        synthesis(REPOSITORY, environment, {}, Path(folder) / "cdk.out") as started,
    ):
        return started.templates()


def _process_environment(out: Path, context: Mapping[str, Any]) -> dict[str, str]:
    hidden = ("PYTHONPATH", "CDK_OUTDIR", "CDK_CONTEXT_JSON")
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("AWS_") and name not in hidden
    }
    return {**kept, "CDK_OUTDIR": str(out), "CDK_CONTEXT_JSON": json.dumps(context)}
