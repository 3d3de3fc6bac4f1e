"""All rules of our own, on all that one environment is made of."""

from collections.abc import Iterator, Mapping

from infra.assembly import Template, pipeline_definition
from infra.costs import Prices
from infra.rules import Finding, findings, policies
from infra.rules.definitions import check_definition
from infra.rules.jobs import unknown_instance_type
from infra.rules.resources import (
    Resource,
    encrypted_buckets,
    lost_events,
    resources,
    unmet_requirements,
    variants,
)
from infra.rules.secrets import secrets_in


def check_environment(
    templates: Mapping[str, Template], *, region: str | None, prices: Prices
) -> list[Finding]:
    """Findings of the templates, by unit, and of the definition inside them, in order."""
    found = set(check_templates(templates))
    for unit, template in templates.items():
        if any(resources({unit: template}, "AWS::SageMaker::Pipeline")):
            found.update(
                check_definition(
                    pipeline_definition(template),
                    region=region,
                    prices=prices,
                    encrypted_buckets=encrypted_buckets(templates),
                )
            )
    for subject, place, variant in variants(templates):
        path, name = f"{place}.InstanceType", variant.get("InstanceType")
        unknown = unknown_instance_type(path, name, use="hosting", region=region, prices=prices)
        found.update(findings(subject, {"instance-type": unknown}))
    return sorted(found)


def check_templates(templates: Mapping[str, Template]) -> list[Finding]:
    """All that the templates of an environment have against the rules, in order."""
    found = {*policies.without_tls(templates), *secrets_in(templates)}
    for resource in resources(templates):
        found.update(_of_resource(resource))
    return sorted(found)


def _of_resource(resource: Resource) -> Iterator[Finding]:
    yield from unmet_requirements(resource)
    yield from findings(
        resource.subject,
        {
            "named-principals": policies.public_principals(resource),
            "one-service": policies.several_trusted(resource),
            "narrowed-callers": policies.unnarrowed_callers(resource),
            "named-actions": policies.wildcard_actions(resource),
            "dead-letters": lost_events(resource),
        },
    )
