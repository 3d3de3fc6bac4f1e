"""The account's service quotas that an environment needs.

Most of instances are 0 in a new account, and to raise one takes a person of AWS:
https://docs.aws.amazon.com/general/latest/gr/sagemaker.html
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

from infra.assembly import Definition, Template, pipeline_definition
from infra.rules.expressions import parts, references
from infra.rules.jobs import Job, jobs
from infra.rules.templates.resources import resources

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
    """What an environment needs, in order.

    Args:
        templates: by unit.
        concurrent_executions: executions that may run at one time.
    """
    found = list(_of_endpoint(templates))
    for unit, template in templates.items():
        if any(resources({unit: template}, "AWS::SageMaker::Pipeline")):
            found += _of_pipeline(pipeline_definition(template), concurrent_executions)
    return sorted(found)


def _of_pipeline(definition: Definition, executions: int) -> Iterator[Quota]:
    together = list(_running_together(definition))
    for name in sorted({_quota(job) for job in jobs(definition)}):
        most = max(together, key=lambda group: _instances(group)[name])
        steps = " and ".join(job.name for job in most if _quota(job) == name)
        times = f", {executions} executions at once" if executions > 1 else ""
        yield Quota(name, _instances(most)[name] * executions, f"{steps}{times}")
    yield from _of_one_training_job(definition)


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


def _instances(group: tuple[Job, ...]) -> Counter[str]:
    found: Counter[str] = Counter()
    for job in group:
        found[_quota(job)] += int(job.cluster["InstanceCount"])
    return found


def _quota(job: Job) -> str:
    spot = "spot " if job.is_spot else ""
    return f"{job.cluster['InstanceType']} for {spot}{_KINDS[job.type]} usage"


def _running_together(definition: Definition) -> Iterator[tuple[Job, ...]]:
    """Every group of jobs of which none waits for another."""
    waits = _waits_for(definition)
    all_jobs = list(jobs(definition))
    for size in range(1, len(all_jobs) + 1):
        for group in combinations(all_jobs, size):
            names = {job.name for job in group}
            if not any(names & waits[name] for name in names):
                yield group


def _waits_for(definition: Definition) -> dict[str, set[str]]:
    """By step, all that have ended when it begins."""
    direct = {
        name: {
            parts(reference)[1]
            for reference in references(step["Arguments"])
            if reference.startswith("Steps.")
        }
        | set(step.get("DependsOn", []))
        for name, step in definition.steps.items()
    }
    for name, step in definition.steps.items():
        for branch in ("IfSteps", "ElseSteps"):
            for inner in step["Arguments"].get(branch, []):
                direct[inner["Name"]].add(name)
                # A condition's own arguments hold its branches, which it does not wait for.
                direct[name].discard(inner["Name"])
    return {name: _reached(name, direct) for name in direct}


def _reached(name: str, direct: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = set(direct[name])
    while waiting:
        step = waiting.pop()
        if step not in found:
            found.add(step)
            waiting |= direct.get(step, set())
    return found


def _of_endpoint(templates: Mapping[str, Template]) -> Iterator[Quota]:
    most = max(
        (
            int(target.properties["MaxCapacity"])
            for target in resources(templates, "AWS::ApplicationAutoScaling::ScalableTarget")
        ),
        default=0,
    )
    found: Counter[str] = Counter()
    for configuration in resources(templates, "AWS::SageMaker::EndpointConfig"):
        for member in ("ProductionVariants", "ShadowProductionVariants"):
            for variant in configuration.properties.get(member, []):
                # A serverless variant has no instances.
                if "InstanceType" in variant:
                    count = max(int(variant["InitialInstanceCount"]), most)
                    found[f"{variant['InstanceType']} for endpoint usage"] += count
    for name, count in found.items():
        yield Quota(name, 2 * count, "the endpoint, twice while it is updated")
