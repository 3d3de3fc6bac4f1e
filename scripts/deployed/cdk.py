"""Runs the CDK CLI that package-lock.json pins, as a person would."""

import subprocess
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import boto3
from botocore.exceptions import ClientError

from infra import NODE
from scripts import REPOSITORY
from scripts.console import CommandError

_CLI = REPOSITORY / "node_modules" / ".bin" / "cdk"
_LINES_SHOWN = 15

BOUNDARY = "security.permissions_boundary"
"""CDK context key of the setting."""

POLICY = REPOSITORY / "docs" / "permissions-boundary.json"


class CdkError(CommandError):
    """The CDK CLI ended with an error; the message has its last lines."""


def start(
    arguments: list[str], environment: Mapping[str, str], log: Path
) -> subprocess.Popen[bytes]:
    """Starts `cdk <arguments>` in the repository; its output goes to the end of `log`."""
    with log.open("ab") as output:
        return subprocess.Popen(
            [str(NODE), str(_CLI), *arguments, "--no-color", "--no-notices"],
            cwd=REPOSITORY,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )


def finish(process: subprocess.Popen[bytes], log: Path) -> None:
    """Waits for a started CLI; CdkError where it ended with another status than 0."""
    try:
        status = process.wait()
    except BaseException:
        stop(process)
        raise
    if status != 0:
        with log.open(encoding="utf-8", errors="replace") as lines:
            last = "".join(deque(lines, maxlen=_LINES_SHOWN))
        command = " ".join(str(part) for part in process.args[2:4])  # type: ignore[index]
        raise CdkError(f"cdk {command} failed; its last lines (all of them are in {log}):\n{last}")


def bootstrap_arguments(target: str) -> list[str]:
    """The CLI's, for an account and Region as `aws://<account>/<region>`."""
    # Where it has an app, it synthesises all environments first, of which it needs nothing.
    return ["bootstrap", target, "--app", ""]


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ends a started CLI that nobody waits for any more."""
    # Ctrl-C reaches the CLI too, but a signal to this process alone doesn't.
    process.terminate()
    process.wait()


@dataclass(frozen=True)
class Cdk:
    """The CDK CLI on one environment's stacks, for the AWS that `variables` name.

    Attributes:
        context: for example `{"training.hosts": "4"}`.
    """

    environment: str
    variables: dict[str, str]
    assembly: Path
    log: Path
    context: dict[str, str]

    def bootstrap_and_synthesise(self) -> None:
        """Both at once, as neither needs the other; CdkError where the CLI failed."""
        bootstrap = start(bootstrap_arguments(self._target()), self.variables, self.log)
        try:
            self._synthesise()
        except BaseException:
            stop(bootstrap)
            raise
        finish(bootstrap, self.log)

    def deploy(self) -> None:
        """Deploys every stack of the environment; CdkError where the CLI failed."""
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
        finish(start(arguments, self.variables, self.log), self.log)

    def _target(self) -> str:
        sts = boto3.client("sts")
        return f"aws://{sts.get_caller_identity()['Account']}/{sts.meta.region_name}"

    def _synthesise(self) -> None:
        context = [word for key, value in self.context.items() for word in ("-c", f"{key}={value}")]
        # One environment alone takes a third of the time of all three.
        context += ["-c", f"environment={self.environment}"]
        arguments = ["synth", "--quiet", "--output", str(self.assembly), *context]
        finish(start(arguments, self.variables, self.log), self.log)


def make_boundary(name: str) -> None:
    """Makes the managed policy that bounds a rehearsal's roles; on AWS it is there before ours.

    One that is there is left as it is, and of an ARN nothing is made.
    """
    if name.startswith("arn:"):
        return
    path, _, plain = name.rpartition("/")
    try:
        boto3.client("iam").create_policy(
            PolicyName=plain,
            Path=f"/{path}/" if path else "/",
            PolicyDocument=POLICY.read_text(encoding="utf-8"),
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "EntityAlreadyExists":
            raise
