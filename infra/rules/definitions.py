"""All rules of a pipeline's definition, together."""

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from infra.assembly import Definition
from infra.costs import Prices
from infra.rules import (
    arguments,
    encryption,
    images,
    instances,
    isolation,
    limits,
    operation,
    secrets,
)
from infra.rules.finding import Finding
from infra.rules.jobs import Job, jobs


def check(
    definition: Definition | Mapping[str, Any] | str,
    *,
    region: str | None,
    prices: Prices,
    encrypted_buckets: Collection[str] = (),
) -> list[Finding]:
    """All that a definition has against the rules, in order.

    Args:
        definition: with its tokens filled in, as `infra.assembly.pipeline_definition` gives it.
        region: where it is to run; None where that is not said.
        prices: which instance types there are.
        encrypted_buckets: buckets that encrypt by default, by the names in the definition.
    """
    whole = _read(definition)
    found = set(_of_whole(whole))
    for job in jobs(whole):
        found.update(_of_job(job, encrypted_buckets))
        found.update(instances.of_job(job, region, prices))
    return sorted(found)


def _read(definition: Definition | Mapping[str, Any] | str) -> Definition:
    match definition:
        case Definition():
            return definition
        case str():
            return Definition(json.loads(definition))
        case _:
            return Definition(dict(definition))


def _of_whole(definition: Definition) -> Iterator[Finding]:
    yield from limits.of_definition(definition, len(json.dumps(definition.content)))
    yield from limits.step_names(job.name for job in jobs(definition))
    yield from operation.roles(list(jobs(definition)))
    yield from secrets.of("pipeline", definition.content.get("Parameters", []), "Parameters")
    for name, step in definition.steps.items():
        yield from arguments.of_step(name, step, definition)
        own = {key: value for key, value in step["Arguments"].items() if not _is_branch(key)}
        yield from secrets.of(name, own)
        if step["Type"] in ("Model", "RegisterModel"):
            yield from images.of_model(name, step)
        if step["Type"] in ("Processing", "Training", "RegisterModel"):
            yield from operation.retries(name, step)


def _of_job(job: Job, encrypted_buckets: Collection[str]) -> Iterator[Finding]:
    yield from encryption.volumes(job)
    yield from encryption.outputs(job, encrypted_buckets)
    yield from encryption.traffic(job)
    yield from isolation.network_isolation(job)
    yield from operation.time_limit(job)
    yield from operation.tags(job)
    yield from images.of_job(job)


def _is_branch(key: str) -> bool:
    return key in ("IfSteps", "ElseSteps")
