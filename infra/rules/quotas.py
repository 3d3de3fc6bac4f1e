"""The account's service quotas that an environment needs.

Most of instances are 0 in a new account, and to raise one takes a person of AWS:
https://docs.aws.amazon.com/general/latest/gr/sagemaker.html
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from infra.assembly import Definition, Template, pipeline_definition
from infra.rules.jobs import Job, jobs
from infra.rules.resources import resources, variants

_KINDS = {"Processing": "processing job", "Training": "training job", "Transform": "transform job"}


@dataclass(frozen=True, order=True)
class Quota:
    """One quota of SageMaker.

    Attributes:
        name: as Service Quotas has it, e.g. `ml.c5.2xlarge for spot training job usage`.
        needed: instances at one time, or seconds.
        reason: which steps or what of the endpoint need them.
    """

    name: str
    needed: int
    reason: str


def needed(templates: Mapping[str, Template], concurrent_executions: int) -> list[Quota]:
    """What an environment of these templates, by unit, needs, in order."""
    found = list(_of_endpoint(templates))
    for unit, template in templates.items():
        if any(resources({unit: template}, "AWS::SageMaker::Pipeline")):
            found += _of_pipeline(pipeline_definition(template), concurrent_executions)
    return sorted(found)


def _of_pipeline(definition: Definition, executions: int) -> Iterator[Quota]:
    times = f", {executions} executions at once" if executions > 1 else ""
    by_quota: dict[str, list[Job]] = {}
    for job in jobs(definition):
        by_quota.setdefault(_quota(job), []).append(job)
    for name, all_jobs in by_quota.items():
        most = _most_at_once(all_jobs, definition)
        steps = " and ".join(job.name for job in most)
        yield Quota(name, _instances(most) * executions, f"{steps}{times}")
    yield from _of_one_training_job(definition)


def _most_at_once(all_jobs: Sequence[Job], definition: Definition) -> tuple[Job, ...]:
    """The jobs with most instances of which none waits for another: with the first, or without."""
    if not all_jobs:
        return ()
    first, *others = all_jobs
    beside = [job for job in others if not _wait(first, job, definition)]
    with_first = (first, *_most_at_once(beside, definition))
    return max(with_first, _most_at_once(others, definition), key=_instances)


def _wait(one: Job, other: Job, definition: Definition) -> bool:
    waits = definition.waits_for
    return one.name in waits(other.name) or other.name in waits(one.name)


def _of_one_training_job(definition: Definition) -> Iterator[Quota]:
    """Quotas of any one job, which have defaults of 432,000 seconds and 20 instances.

    https://docs.aws.amazon.com/general/latest/gr/sagemaker.html
    """
    for job in jobs(definition):
        if job.type != "Training":
            continue
        seconds = job.argument("StoppingCondition.MaxRuntimeInSeconds")
        if seconds is not None:
            reason = f"the longest that {job.name} may run, in seconds"
            yield Quota("Longest run time for a training job", int(seconds), reason)
        if not job.is_spot:
            count = int(job.cluster["InstanceCount"])
            yield Quota("Maximum number of instances per training job", count, job.name)


def _instances(group: Iterable[Job]) -> int:
    return sum(int(job.cluster["InstanceCount"]) for job in group)


def _quota(job: Job) -> str:
    spot = "spot " if job.is_spot else ""
    return f"{job.cluster['InstanceType']} for {spot}{_KINDS[job.type]} usage"


def _of_endpoint(templates: Mapping[str, Template]) -> Iterator[Quota]:
    most = max(
        (
            int(target.properties["MaxCapacity"])
            for target in resources(templates, "AWS::ApplicationAutoScaling::ScalableTarget")
        ),
        default=0,
    )
    found: Counter[str] = Counter()
    for _, _, variant in variants(templates):
        # A serverless variant has no instances.
        if "InstanceType" in variant:
            count = max(int(variant["InitialInstanceCount"]), most)
            found[f"{variant['InstanceType']} for endpoint usage"] += count
    for name, count in found.items():
        yield Quota(name, 2 * count, "the endpoint, twice while it is updated")
