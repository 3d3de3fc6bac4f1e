"""Why steps ended without success: judged once, for messages, commands and reports alike."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from .executions import Execution, Job, Step

_REASON = re.compile(
    r"(?:ClientError: )?(?P<kind>AlgorithmError|InternalServerError|CapacityError|"
    r"ResourceLimitExceeded): (?P<text>.*?)(?:,? exit code: (?P<code>\d+))?\s*",
    re.DOTALL,
)
_SAYS_NOTHING = "See job logs for more information"
# Pipelines adds why it tried no more, with ARNs, on a line of its own.
_NOT_RETRIED = re.compile(r"\s*Retry not appropriate on execution of step.*", re.DOTALL)
# A refused call's error code is not in the step's reason, its message is.
_PASSING = re.compile(r"Rate exceeded|Throttl|Too ?Many ?Requests", re.IGNORECASE)
_OF_QUOTA = re.compile(r"service limit|Service Quotas|ResourceLimitExceeded", re.IGNORECASE)
_OVER_TIME = re.compile(r"MaxRuntime|maximum run ?time", re.IGNORECASE)
_OF_SERVICE = re.compile(r"internal (server )?error|internal failure|unavailable", re.IGNORECASE)
# Billed seconds are whole, and a host's clock is not the service's.
_NEARLY = 0.98


class Cause(Enum):
    """What ended a step; each value says whether the same may go well another time."""

    CONTAINER = ("container", False)
    REFUSED = ("refused", False)
    RUNTIME = ("runtime", False)
    VERDICT = ("verdict", False)
    UNKNOWN = ("unknown", False)
    SERVICE = ("service", True)
    THROTTLING = ("throttling", True)
    CAPACITY = ("capacity", True)
    QUOTA = ("quota", True)
    SPOT = ("spot", True)
    STOP = ("stop", True)

    @property
    def may_pass(self) -> bool:
        """Whether the same may go well another time."""
        return self.value[1]


_KINDS = {
    "AlgorithmError": (Cause.CONTAINER, "the container failed"),
    "InternalServerError": (Cause.SERVICE, "SageMaker failed"),
    "CapacityError": (Cause.CAPACITY, "AWS had no such instances to spare"),
    "ResourceLimitExceeded": (Cause.QUOTA, "a quota of the account is used up"),
}


@dataclass(frozen=True)
class Ending:
    """How a step ended that did not succeed.

    Attributes:
        job: of its last attempt, if it has one.
        reason: one sentence without its full stop, `the container failed: no shards`.
        streams: the job's log streams, one a host.
    """

    step: Step
    job: Job | None
    cause: Cause
    reason: str
    streams: Sequence[str] = ()

    @property
    def is_stop(self) -> bool:
        """Whether it was stopped, by whomever, and did not fail."""
        return self.cause in {Cause.STOP, Cause.RUNTIME, Cause.SPOT}


def judge(
    execution: Execution, streams: Callable[[Job], Sequence[str]] = lambda job: ()
) -> tuple[Ending, ...]:
    """Each step that failed or was stopped, in the order in which they began.

    Args:
        streams: gives the log streams of a job.
    """
    found = []
    for step in execution.unsuccessful:
        job = execution.job(step)
        cause, reason = _why(step, job, execution)
        found.append(Ending(step, job, cause, reason, streams(job) if job else ()))
    return tuple(found)


def retry_can_help(endings: Iterable[Ending]) -> bool:
    """Whether all causes may pass: a retry has the definition, images and parameters of before.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_RetryPipelineExecution.html
    """
    causes = [ending.cause for ending in endings]
    return bool(causes) and all(cause.may_pass for cause in causes)


def _why(step: Step, job: Job | None, execution: Execution) -> tuple[Cause, str]:
    if step.is_verdict:
        return Cause.VERDICT, step.reason.rstrip(".") or "no reason was given"
    if job is not None and job.status == "Stopped":
        return _why_stopped(job, execution)
    if step.status == "Stopped":
        return Cause.STOP, _by_whom(execution, None)
    return _why_failed(step, job)


def _why_stopped(job: Job, execution: Execution) -> tuple[Cause, str]:
    if "MaxWaitTimeExceeded" in (job.secondary_status, job.reason.partition(":")[0]):
        return Cause.SPOT, (
            "it was not complete after its MaxWaitTimeInSeconds, most often as AWS had no spot "
            "instances to spare (MaxWaitTimeExceeded)"
        )
    if _is_over_time(job):
        limit = f", {job.longest}" if job.longest else ""
        return Cause.RUNTIME, f"it ran for its MaxRuntimeInSeconds{limit} (MaxRuntimeExceeded)"
    return Cause.STOP, _by_whom(execution, job)


def _is_over_time(job: Job) -> bool:
    if "MaxRuntimeExceeded" in (job.secondary_status, job.reason.partition(":")[0]):
        return True
    # A processing job has no secondary status: only its time tells.
    return job.kind == "Processing" and 0 < _NEARLY * job.longest <= job.seconds


def _by_whom(execution: Execution, job: Job | None) -> str:
    if execution.status == "Stopped":
        return "the execution was stopped (StopPipelineExecution)"
    call = f" (Stop{job.kind}Job)" if job else ""
    return f"a person or a program stopped it{call}"


def _why_failed(step: Step, job: Job | None) -> tuple[Cause, str]:
    given = _NOT_RETRIED.sub("", step.reason).strip()
    match = _REASON.fullmatch(given)
    if match is None:
        return _refusal(given), given.removeprefix("ClientError: ").rstrip(".") or (
            "no reason was given"
        )
    text = match["text"].strip()
    if text.rstrip(".") == _SAYS_NOTHING:
        # A processing job's own words are not in its reason.
        text = job.message.strip() if job else ""
    cause, words = _KINDS[match["kind"]]
    said = f"{words}: {text.rstrip('.')}" if text else words
    return cause, f"{said} (exit code {match['code']})" if match["code"] else said


def _refusal(given: str) -> Cause:
    """Of a call that was refused, or of a request that could not be fulfilled as it is."""
    if _OVER_TIME.search(given):
        # Of a processing job AWS does not say whether it is Stopped then, or Failed.
        return Cause.RUNTIME
    if _PASSING.search(given):
        return Cause.THROTTLING
    if _OF_QUOTA.search(given):
        return Cause.QUOTA
    if given.startswith("ClientError: Failed to invoke") and _OF_SERVICE.search(given):
        return Cause.SERVICE
    return Cause.REFUSED if given.startswith("ClientError: ") else Cause.UNKNOWN
