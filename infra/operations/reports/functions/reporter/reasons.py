"""Why a step failed, in words: SageMaker's own reason, and the container's where it gave one."""

import re

from .records import Job, Step

_REASON = re.compile(
    r"(?:ClientError: )?(?P<kind>AlgorithmError|InternalServerError|CapacityError|"
    r"ResourceLimitExceeded): (?P<text>.*?)(?:,? exit code: (?P<code>\d+))?\s*",
    re.DOTALL,
)
_WORDS = {
    "AlgorithmError": "the container failed",
    "InternalServerError": "SageMaker failed",
    "CapacityError": "AWS had no such instances to spare",
    "ResourceLimitExceeded": "a quota of the account is used up",
}
_SAYS_NOTHING = "See job logs for more information"
# Pipelines adds why it tried no more, with ARNs, on a line of its own.
_NOT_RETRIED = re.compile(r"\s*Retry not appropriate on execution of step.*", re.DOTALL)


def reason(step: Step, job: Job | None = None) -> str:
    """One sentence without its full stop, e.g. `the container failed: no shards (exit code 1)`.

    :param job: of the step's last attempt.
    """
    given = _NOT_RETRIED.sub("", step.reason).strip()
    match = _REASON.fullmatch(given)
    if match is None:
        return given.removeprefix("ClientError: ").rstrip(".") or "no reason was given"
    text = match["text"].strip()
    if text.rstrip(".") == _SAYS_NOTHING:
        # A processing job's own words are not in its reason.
        text = job.message.strip() if job else ""
    words = _WORDS[match["kind"]]
    said = f"{words}: {text.rstrip('.')}" if text else words
    return f"{said} (exit code {match['code']})" if match["code"] else said
