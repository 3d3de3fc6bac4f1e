"""The messages that people get."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from .costs import Cost
from .executions import Execution, Step, console_link
from .outputs import Accuracy
from .reasons import Cause, Ending, retry_can_help

FAILED_EXECUTIONS = "failed-executions"
REJECTED_MODELS = "rejected-models"
WAITING_APPROVALS = "waiting-approvals"
MODELS_TAKEN_BACK = "models-taken-back"
SETTINGS = {
    "CreateManifests": "manifests",
    "FetchServingModel": "serving_model",
    "ShardImages": "shards",
    "TrainModel": "training",
    "EvaluateModel": "evaluation",
}
"""The section of an environment's settings that a step's `max_runtime_seconds` stands in."""
_NEXT_RUN = "the next drop's run covers these drops too"
_BEFORE_A_RETRY = {
    Cause.CAPACITY: "wait until AWS has such instances",
    Cause.SPOT: "wait until AWS has spot instances",
    Cause.QUOTA: "raise the quota in Service Quotas, or end what uses it up",
    Cause.STOP: "find out who stopped it, and why",
}
_INSTEAD_OF_A_RETRY = {
    Cause.CONTAINER: "a retry has the same images and settings and would fail in the same way: "
    "mend what the reason names, be it data, settings or code",
    Cause.REFUSED: "a retry makes the same request: mend what the reason names, be it a role, an "
    "image, a bucket or a setting, and deploy",
    Cause.UNKNOWN: "a retry has the same definition and parameters: find the cause first",
    Cause.VERDICT: "a retry keeps the evaluation, and so the verdict: better data or settings, or "
    "another threshold, make another model",
}
# Controls, line and paragraph separators, and what is no letter at all.
_CONTROLS = frozenset({"Cc", "Zl", "Zp", "Cs"})
_BIDIRECTIONAL = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_SUBJECT = 100
_STREAMS = 4


def one_line(text: str) -> str:
    """A name or a reason so that it can't break a line in two, nor turn its order round."""
    return "".join(_escaped(letter) for letter in text)


def _escaped(letter: str) -> str:
    if unicodedata.category(letter) in _CONTROLS or letter in _BIDIRECTIONAL:
        return letter.encode("unicode_escape", "surrogatepass").decode()
    return letter


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
        """Where a runbook's page is."""
        return f"{self.runbooks}{page}.md"

    def command(self, command: str, *arguments: str) -> str:
        """A command for this environment, ready to be typed."""
        return " ".join([f"./scripts/{command} --environment {self.environment}", *arguments])


@dataclass(frozen=True)
class RunSummary:
    """An execution, what it cost up to now, and the accuracy of its model, if it has one."""

    execution: Execution
    cost: Cost
    accuracy: Accuracy | None

    def lines(self) -> list[str]:
        """Of the run, as each message has them."""
        started_by, _, _ = self.execution.description.partition("; token ")
        if not started_by.startswith("Run "):
            started_by = f"Drop: {self.execution.drop_id or 'none'}"
        return [
            *([f"Accuracy: {self.accuracy}."] if self.accuracy else []),
            f"{one_line(started_by)}.",
            f"Execution: {self.execution.arn}",
            f"Cost so far: {self.cost}.",
        ]


def ending_lines(ending: Ending, region: str) -> list[str]:
    """Step, reason, log group and streams; the link is to the first of them."""
    step, job = ending.step, ending.job
    verb = "was stopped" if ending.is_stop else "failed"
    attempts = f" after {step.attempts} attempts" if step.attempts > 1 else ""
    lines = [f"{step.name} {verb}{attempts}: {one_line(ending.reason)}."]
    if job is None:
        return lines
    if not ending.streams:
        return [*lines, f"Log group {job.log_group}: the job wrote no lines."]
    lines.append(f"Log group {job.log_group}, streams:")
    lines += [f"  {stream}" for stream in ending.streams[:_STREAMS]]
    if len(ending.streams) > _STREAMS:
        lines.append(f"  and {len(ending.streams) - _STREAMS} more")
    return [*lines, console_link(region, job.log_group, ending.streams[0])]


def advice(endings: Sequence[Ending], execution_arn: str, place: Place) -> tuple[str, str]:
    """What to do next, and the command for it, which is empty where only a new execution helps."""
    if retry_can_help(endings):
        again = place.command("watch", "--execution", execution_arn, "--retry")
        first = _BEFORE_A_RETRY.get(endings[0].cause, "wait a while")
        return f"{first}; this goes on from what did not succeed:", again
    lasting = [ending for ending in endings if not ending.cause.may_pass]
    if not lasting:
        return f"find the cause first; {_NEXT_RUN}", ""
    if lasting[0].cause is Cause.RUNTIME:
        return f"a retry has the same limit: {_raise_the_limit(lasting[0], place)}; {_NEXT_RUN}", ""
    return f"{_INSTEAD_OF_A_RETRY[lasting[0].cause]}; {_NEXT_RUN}", ""


def _raise_the_limit(ending: Ending, place: Place) -> str:
    section = SETTINGS.get(ending.step.name)
    if section is None:
        return f"raise MaxRuntimeInSeconds of {ending.step.name} and deploy"
    file = f"infra/environments/{place.environment.partition('-')[0]}.toml"
    return (
        f"raise max_runtime_seconds of [{section}] in {file}, or take more or faster instances, "
        "and deploy"
    )


def failed(run: RunSummary, endings: Sequence[Ending], place: Place) -> Message:
    """An execution ended otherwise than by its verdict on the model, and not by a person's will."""
    ended = [f"{e.step.name} {'was stopped' if e.is_stop else 'failed'}" for e in endings]
    names = " and ".join(ended) or "an execution failed"
    status = "was stopped" if run.execution.status == "Stopped" else "failed"
    lines = [line for ending in endings for line in ending_lines(ending, place.region)]
    then, command = advice(endings, run.execution.arn, place)
    return _message(
        f"{place.name}: {names}",
        f"An execution of the pipeline {run.execution.pipeline} {status}.",
        *(lines or [one_line(run.execution.reason)]),
        *run.lines(),
        _what_to_do(place, FAILED_EXECUTIONS, then, command),
    )


def rejected(run: RunSummary, verdict: Step, place: Place) -> Message:
    """The model was made and is not good enough."""
    return _message(
        f"{place.name}: the model was rejected",
        f"An execution of {run.execution.pipeline} made a model that is not good enough.",
        f"{verdict.name}: {one_line(verdict.reason.rstrip('.'))}.",
        *run.lines(),
        _what_to_do(
            place,
            REJECTED_MODELS,
            "nothing is broken, and what served serves on; this shows the run:",
            place.command("watch", "--execution", run.execution.arn, "--once"),
        ),
    )


def waits(run: RunSummary, place: Place) -> Message:
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


def rolled_back(stack: str, version: str | None, why: str, place: Place, *, whole: bool) -> Message:
    """An update of the serving stack was rolled back.

    Args:
        version: of the model package that it was to deploy; None where it was another change.
        whole: whether the rollback itself came to its end.
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
        f"Why: {one_line(why.rstrip('.'))}.",
        _what_to_do(
            place,
            MODELS_TAKEN_BACK,
            "this shows what CloudFormation did:",
            f"aws cloudformation describe-stack-events --stack-name {stack} --max-items 30",
        ),
    )


def _what_to_do(place: Place, page: str, then: str, command: str) -> str:
    sentence = f"\nWhat to do: {place.runbook(page)}; {then}"
    return f"{sentence}\n  {command}" if command else f"{sentence}."


def _message(subject: str, *lines: str) -> Message:
    plain = subject.encode("ascii", "replace").decode()
    return Message(plain[:_SUBJECT], "\n".join(lines) + "\n")
