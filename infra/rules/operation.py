"""Jobs end, are tried again, carry tags and run under a role of their own."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from infra.rules.finding import Finding
from infra.rules.jobs import Job

TAGS = ("Project", "Environment")
_OF_SERVICE = {"Step.SERVICE_FAULT", "Step.THROTTLING"}
_OF_JOB = {"SageMaker.JOB_INTERNAL_ERROR", "SageMaker.CAPACITY_ERROR"}


def time_limit(job: Job) -> Iterator[Finding]:
    """Each job has a time limit of its own, not AWS's of a day.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_StoppingCondition.html
    """
    limits = job.arguments.get("StoppingCondition", {})
    path = "StoppingCondition.MaxRuntimeInSeconds"
    runtime, wait = limits.get("MaxRuntimeInSeconds"), limits.get("MaxWaitTimeInSeconds")
    if job.type != "Transform" and not runtime:
        yield Finding(job.name, "time-limit", path, "the job has no time limit: set one")
    if job.is_spot and isinstance(runtime, int) and (wait or 0) < runtime:
        yield Finding(
            job.name,
            "time-limit",
            "StoppingCondition.MaxWaitTimeInSeconds",
            f"a spot job that may run {runtime} s may wait {wait or 0} s in all, which includes "
            "running: raise it",
        )
    if wait and not job.is_spot:
        yield Finding(
            job.name,
            "time-limit",
            "StoppingCondition.MaxWaitTimeInSeconds",
            "SageMaker refuses a wait for a job on demand: leave it out",
        )


def tags(job: Job) -> Iterator[Finding]:
    """Each job's costs can be told apart."""
    found = {tag.get("Key") for tag in job.arguments.get("Tags", [])}
    missing = [key for key in TAGS if key not in found]
    if missing:
        wrong = f"the job has no tag {' and no tag '.join(missing)}: add it"
        yield Finding(job.name, "tags", "Tags", wrong)


def retries(name: str, step: dict[str, Any]) -> Iterator[Finding]:
    """What is nobody's fault is tried again.

    https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-retry-policy.html
    """
    wanted = _OF_SERVICE | (set() if step["Type"] == "RegisterModel" else _OF_JOB)
    found = {t for policy in step.get("RetryPolicies", []) for t in _types(policy)}
    if missing := sorted(wanted - found):
        yield Finding(
            name,
            "retries",
            "RetryPolicies",
            f"no policy tries {', '.join(missing)} again: add one",
        )


def _types(policy: dict[str, Any]) -> Iterator[str]:
    yield from policy.get("ExceptionType", [])
    yield from policy.get("FailureReasonType", [])


def roles(all_jobs: Sequence[Job]) -> Iterator[Finding]:
    """Each job names its role, and jobs of another type or image have another one."""
    sharing: dict[str, list[Job]] = defaultdict(list)
    for job in all_jobs:
        role = job.arguments.get("RoleArn")
        if isinstance(role, str) and role:
            sharing[role].append(job)
        elif job.type != "Transform":
            yield Finding(job.name, "roles", "RoleArn", "the job names no role: give it its own")
    for first, *others in sharing.values():
        for other in others:
            if _duty(first) != _duty(other):
                yield Finding(
                    other.name,
                    "roles",
                    "RoleArn",
                    f"the job has the role of {first.name}, which does something else: give it "
                    "its own",
                )


def _duty(job: Job) -> tuple[str, str]:
    return job.type, str(job.argument(job.image_path) if job.image_path else None)
