"""Instance types are those that the Region has, by the price table."""

from collections.abc import Iterator, Mapping
from typing import Any

from infra.costs import PriceError, Prices
from infra.costs.instances import Use
from infra.rules.finding import Finding
from infra.rules.jobs import Job
from infra.rules.templates.resources import Resource

RULE = "instance-type"
_USES: Mapping[str, Use] = {
    "Processing": "processing",
    "Training": "training",
    "Transform": "hosting",
}
_VARIANTS = ("ProductionVariants", "ShadowProductionVariants")


def of_job(job: Job, region: str | None, prices: Prices) -> Iterator[Finding]:
    """A job's instance type is offered for such a job.

    Args:
        region: None where none is set: the table's first counts then. One that the table lacks is
            not judged.
    """
    path = f"{job.cluster_path}.InstanceType"
    for wrong in _wrong(job.cluster.get("InstanceType"), region, _USES[job.type], prices):
        yield Finding(job.name, RULE, path, wrong)


def of_endpoint(configuration: Resource, region: str | None, prices: Prices) -> Iterator[Finding]:
    """So are those of an `AWS::SageMaker::EndpointConfig`; a serverless variant has none."""
    for member in _VARIANTS:
        for number, variant in enumerate(configuration.properties.get(member, [])):
            path = f"{member}[{number}].InstanceType"
            for wrong in _wrong(variant.get("InstanceType"), region, "hosting", prices):
                yield Finding(configuration.subject, RULE, path, wrong)


def _wrong(instance_type: Any, region: str | None, use: Use, prices: Prices) -> Iterator[str]:
    is_judged = region is None or region in prices.regions
    if not isinstance(instance_type, str) or not is_judged:
        return
    try:
        prices.hour(instance_type, region, use)
    except PriceError as error:
        yield str(error).removesuffix(".")
