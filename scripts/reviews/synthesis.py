"""Templates of a tree, written by its own app as the CDK CLI has it written."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from scripts.console import CommandError
from scripts.reviews.stacks import Template

_LOG = Path(__file__).resolve().parents[2] / ".rehearsal" / "review.log"
_OURS = "shardwise: "
# What the CLI adds to the context: https://docs.aws.amazon.com/cdk/v2/guide/featureflags.html
_OF_THE_CLI = {"aws:cdk:enable-path-metadata": True, "aws:cdk:enable-asset-metadata": True}


class Synthesis:
    """One that is under way.

    Attributes:
        process: the app.
    """

    def __init__(self, tree: Path, environment: str, context: Mapping[str, str], out: Path) -> None:
        """Raises:
        CommandError: the tree is no app of this kind.
        """
        self._environment = environment
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
                env=_environment(out, {**settled, **_OF_THE_CLI, **chosen}),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def templates(self) -> dict[str, Template]:
        """Waits for the templates, by unit.

        Raises:
            CommandError: the app failed, or made no stack of this environment.
        """
        if self.process.wait() != 0:
            raise CommandError(f"{self._environment} can't be synthesised: {self._reason()}")
        prefix = f"shardwise-{self._environment}-"
        found = dict(_stacks(self._out))
        made = {
            name.removeprefix(prefix): template
            for name, template in sorted(found.items())
            if name.startswith(prefix)
        }
        if not made:
            raise CommandError(
                f"The app makes no stack {prefix}…, only {', '.join(sorted(found)) or 'none'}: "
                "name another --environment."
            )
        return made

    def _reason(self) -> str:
        text = self._log.read_text("utf-8", errors="replace")
        _LOG.parent.mkdir(parents=True, exist_ok=True)
        _LOG.write_text(text, "utf-8")
        said = [line for line in text.splitlines() if line.strip()]
        ours = [line for line in said if line.startswith(_OURS)]
        # What broke a rule is in the log too, and the report goes with its folder.
        report = str(self._out / "validation-report.json")
        reason = (ours or said or ["it says nothing."])[-1].removeprefix(_OURS)
        return f"{reason.replace(report, str(_LOG)).rstrip('.')} (its log: {_LOG})."


@contextmanager
def synthesis(
    tree: Path, environment: str, context: Mapping[str, str], out: Path
) -> Iterator[Synthesis]:
    """Starts one; nothing of it runs any more afterwards.

    Args:
        environment: e.g. `dev`, or `dev-anna` with a qualifier.
        context: CDK context besides.
        out: an empty folder.
    """
    started = Synthesis(tree, environment, context, out)
    try:
        yield started
    finally:
        if started.process.poll() is None:
            started.process.terminate()
            started.process.wait()


def _environment(out: Path, context: Mapping[str, Any]) -> dict[str, str]:
    hidden = ("PYTHONPATH", "CDK_OUTDIR", "CDK_CONTEXT_JSON")
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("AWS_") and name not in hidden
    }
    return {**kept, "CDK_OUTDIR": str(out), "CDK_CONTEXT_JSON": json.dumps(context)}


def _stacks(folder: Path) -> Iterator[tuple[str, Template]]:
    for manifest in sorted(folder.rglob("manifest.json")):
        for artifact in json.loads(manifest.read_text("utf-8")).get("artifacts", {}).values():
            if artifact["type"] == "aws:cloudformation:stack":
                properties = artifact["properties"]
                file = manifest.parent / properties["templateFile"]
                yield properties["stackName"], json.loads(file.read_text("utf-8"))
