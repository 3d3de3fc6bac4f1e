"""Rules of a whole definition: its size, its steps' names, roles and retries."""

import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from infra.assembly import Definition
from infra.costs import Prices
from infra.rules import Finding, Problems, findings
from infra.rules.arguments import check_arguments
from infra.rules.jobs import Job, check_job, jobs, pinned_image
from infra.rules.secrets import check_secrets

# https://docs.aws.amazon.com/general/latest/gr/sagemaker.html
MOST_STEPS = 50
MOST_PARAMETERS = 200
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreatePipeline.html
LONGEST_DEFINITION = 1_048_576
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Parameter.html
LONGEST_PARAMETER = 1024
# Characters that the names of a step's jobs have of the step's own.
_STEP_PART = 20
_PARAMETER_TYPES: dict[str, tuple[type, ...]] = {
    "String": (str,),
    "Integer": (int,),
    "Float": (int, float),
    "Boolean": (bool,),
}
_RETRIES = {"Step.SERVICE_FAULT", "Step.THROTTLING"}
_RETRIES_OF_JOBS = _RETRIES | {"SageMaker.JOB_INTERNAL_ERROR", "SageMaker.CAPACITY_ERROR"}


def check_definition(
    definition: Definition,
    *,
    region: str | None,
    prices: Prices,
    encrypted_buckets: Collection[str] = (),
) -> list[Finding]:
    """All that a definition has against the rules, in order.

    Args:
        encrypted_buckets: buckets that encrypt by default, by the names in the definition.
    """
    found = {*_step_names(definition), *_roles(list(jobs(definition)))}
    found.update(findings("pipeline", {"limits": _limits(definition)}))
    found.update(check_secrets("pipeline", definition.content.get("Parameters", []), "Parameters"))
    for name, step in definition.steps.items():
        found.update(_step(name, step))
    for job in jobs(definition):
        found.update(check_job(job, region, prices, encrypted_buckets))
    return sorted(found)


def _step(name: str, step: dict[str, Any]) -> Iterator[Finding]:
    yield from check_arguments(name, step)
    branches = ("IfSteps", "ElseSteps")
    own = {key: value for key, value in step["Arguments"].items() if key not in branches}
    yield from check_secrets(name, own)
    if step["Type"] in ("Model", "RegisterModel"):
        yield from findings(name, {"pinned-image": _model_images(own)})
    if step["Type"] in ("Processing", "Training", "RegisterModel"):
        yield from findings(name, {"retries": _retries(step)})


def _limits(definition: Definition) -> Problems:
    """What SageMaker limits in a definition as a whole."""
    parameters = definition.content.get("Parameters", [])
    for what, count, most in (
        ("characters", len(json.dumps(definition.content)), LONGEST_DEFINITION),
        ("steps", len(definition.steps), MOST_STEPS),
        ("parameters", len(parameters), MOST_PARAMETERS),
    ):
        if count > most:
            yield (
                what.capitalize(),
                f"{count:,} {what} are more than SageMaker's {most:,}: make it smaller, or two "
                "pipelines of it",
            )
    for parameter in parameters:
        if wrong := _wrong_default(parameter):
            yield f"Parameters.{parameter['Name']}", wrong


def _wrong_default(parameter: dict[str, Any]) -> str | None:
    default, kind = parameter.get("DefaultValue"), parameter["Type"]
    if default is None:
        return None
    if len(str(default)) > LONGEST_PARAMETER:
        return (
            f"the default has {len(str(default)):,} characters, more than {LONGEST_PARAMETER:,}: "
            "shorten it"
        )
    is_wrong_boolean = isinstance(default, bool) and kind != "Boolean"
    if is_wrong_boolean or not isinstance(default, _PARAMETER_TYPES.get(kind, ())):
        return f"the default {default!r} is no {kind}: give one"
    return None


def _step_names(definition: Definition) -> Iterator[Finding]:
    """A job shows by its name of which step it is."""
    known: dict[str, str] = {}
    for job in jobs(definition):
        other = known.setdefault(job.name[:_STEP_PART].casefold(), job.name)
        if other != job.name:
            wrong = (
                f"SageMaker cuts it to {_STEP_PART} characters in its jobs' names, where it would "
                f"be {other} too: let the beginnings differ"
            )
            yield Finding(job.name, "step-names", "Name", wrong)


def _roles(all_jobs: Sequence[Job]) -> Iterator[Finding]:
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
                wrong = f"the job has the role of {first.name}, which does something else"
                yield Finding(other.name, "roles", "RoleArn", f"{wrong}: give it its own")


def _duty(job: Job) -> tuple[str, str]:
    return job.type, str(job.argument(job.image_path) if job.image_path else None)


def _retries(step: dict[str, Any]) -> Problems:
    """What is nobody's fault is tried again.

    https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-retry-policy.html
    """
    given = {
        reason
        for policy in step.get("RetryPolicies", [])
        for member in ("ExceptionType", "FailureReasonType")
        for reason in policy.get(member, [])
    }
    wanted = _RETRIES if step["Type"] == "RegisterModel" else _RETRIES_OF_JOBS
    if missing := sorted(wanted - given):
        yield "RetryPolicies", f"no policy tries {', '.join(missing)} again: add one"


def _model_images(arguments: dict[str, Any]) -> Problems:
    """The images of a model package or a model are pinned."""
    specification = arguments.get("InferenceSpecification", arguments)
    containers = [*specification.get("Containers", [])]
    if primary := arguments.get("PrimaryContainer"):
        containers.append(primary)
    for number, container in enumerate(containers):
        yield from pinned_image(f"Containers[{number}].Image", container.get("Image"))
