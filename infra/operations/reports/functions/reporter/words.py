"""The messages that people get."""

from collections.abc import Sequence
from dataclasses import dataclass

from .costs import Cost
from .logs import console_link
from .outputs import Accuracy
from .reasons import reason
from .records import Execution, Job, Step

FAILED_EXECUTIONS = "failed-executions"
REJECTED_MODELS = "rejected-models"
WAITING_APPROVALS = "waiting-approvals"
MODELS_TAKEN_BACK = "models-taken-back"
_SUBJECT = 100
_STREAMS = 4


@dataclass(frozen=True)
class Message:
    """What is published to the topic.

    Attributes:
        subject: ASCII in one line, at most 100 characters, as SNS asks.
    """

    subject: str
    text: str


@dataclass(frozen=True)
class Place:
    """Where it all happens, for commands and links.

    Attributes:
        environment: what `--environment` takes.
        name: the environment's whole name, `shardwise-<environment>`.
        runbooks: what a runbook's page follows: a folder of the repository, or an address.
    """

    environment: str
    name: str
    region: str
    runbooks: str = "docs/runbooks/"

    def runbook(self, page: str) -> str:
        return f"{self.runbooks}{page}.md"

    def command(self, command: str, *arguments: str) -> str:
        return " ".join([f"./scripts/{command} --environment {self.environment}", *arguments])


@dataclass(frozen=True)
class Run:
    """An execution, what it cost up to now, and the accuracy of its model, if it has one."""

    execution: Execution
    cost: Cost
    accuracy: Accuracy | None

    def lines(self) -> list[str]:
        started_by, _, _ = self.execution.description.partition("; token ")
        if not started_by.startswith("Run "):
            started_by = f"Drop: {self.execution.drop_id or 'none'}"
        return [
            *([f"Accuracy: {self.accuracy}."] if self.accuracy else []),
            f"{started_by}.",
            f"Execution: {self.execution.arn}",
            f"Cost so far: {self.cost}.",
        ]


@dataclass(frozen=True)
class Failure:
    """A step that failed, and where its log lines are.

    Attributes:
        job: of its last attempt, if it has one.
        streams: the job's log streams.
    """

    step: Step
    job: Job | None
    streams: Sequence[str]

    def lines(self, region: str) -> list[str]:
        """Step, reason, log group and streams; the link is to the first of them."""
        attempts = f" after {self.step.attempts} attempts" if self.step.attempts > 1 else ""
        lines = [f"{self.step.name} failed{attempts}: {reason(self.step, self.job)}."]
        if self.job is None:
            return lines
        lines.append(f"Log group {self.job.log_group}, streams:")
        lines += [f"  {stream}" for stream in self.streams[:_STREAMS]]
        if not self.streams:
            return [*lines[:-1], f"Log group {self.job.log_group}: the job wrote no lines."]
        if len(self.streams) > _STREAMS:
            lines.append(f"  and {len(self.streams) - _STREAMS} more")
        return [*lines, console_link(region, self.job.log_group, self.streams[0])]


def failed(run: Run, failures: Sequence[Failure], place: Place) -> Message:
    """An execution failed otherwise than by its verdict on the model."""
    names = " and ".join(failure.step.name for failure in failures) or "an execution"
    lines = [line for failure in failures for line in failure.lines(place.region)]
    again = place.command("watch", "--execution", run.execution.arn, "--retry")
    return _message(
        f"{place.name}: {names} failed",
        f"An execution of the pipeline {run.execution.pipeline} failed.",
        *(lines or [run.execution.reason]),
        *run.lines(),
        _what_to_do(
            place,
            FAILED_EXECUTIONS,
            "see to the cause first, then this goes on from what failed:",
            again,
        ),
    )


def rejected(run: Run, verdict: Step, place: Place) -> Message:
    """The model was made and is not good enough."""
    return _message(
        f"{place.name}: the model was rejected",
        f"An execution of {run.execution.pipeline} made a model that is not good enough.",
        f"{verdict.name}: {verdict.reason.rstrip('.')}.",
        *run.lines(),
        _what_to_do(
            place,
            REJECTED_MODELS,
            "nothing is broken, and what served serves on; this shows the run:",
            place.command("watch", "--execution", run.execution.arn, "--once"),
        ),
    )


def waits(run: Run, place: Place) -> Message:
    """The model was registered and waits for a person."""
    group, version = run.execution.package.split("/")[-2:]
    return _message(
        f"{place.name}: model {version} waits for approval",
        f"Version {version} of the model package group {group} waits for approval.",
        *run.lines(),
        f"Model package: {run.execution.package}",
        _what_to_do(
            place,
            WAITING_APPROVALS,
            "this shows its metrics, approves it and follows the endpoint's update:",
            place.command("approve", version),
        ),
    )


def taken_back(stack: str, version: str | None, why: str, place: Place, *, whole: bool) -> Message:
    """An update of the serving stack was rolled back.

    :param version: of the model package that it was to deploy; None where it was another change.
    :param whole: whether the rollback itself came to its end.
    """
    what = f"model {version}" if version else "an update of the endpoint"
    ending = (
        "The model of before serves on."
        if whole
        else "The rollback failed too: the stack takes no update until a person has mended it."
    )
    return _message(
        f"{place.name}: {what} was taken back",
        f"The stack {stack} rolled {what} back. {ending}",
        f"Why: {why.rstrip('.')}.",
        _what_to_do(
            place,
            MODELS_TAKEN_BACK,
            "this shows what CloudFormation did:",
            f"aws cloudformation describe-stack-events --stack-name {stack} --max-items 30",
        ),
    )


def _what_to_do(place: Place, page: str, then: str, command: str) -> str:
    return f"\nWhat to do: {place.runbook(page)}; {then}\n  {command}"


def _message(subject: str, *lines: str) -> Message:
    plain = subject.encode("ascii", "replace").decode()
    return Message(plain[:_SUBJECT], "\n".join(lines) + "\n")
