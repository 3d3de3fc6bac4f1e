"""All rules of our own, on all that one environment is made of."""

from collections.abc import Mapping

from infra.assembly import Template, pipeline_definition
from infra.costs import Prices
from infra.rules import Finding, policies, secrets
from infra.rules.definitions import check_definition
from infra.rules.jobs import instance_type
from infra.rules.resources import (
    encrypted,
    encrypted_buckets,
    functions_keep_failures,
    keys_rotate,
    logs_end,
    resources,
    targets_keep_failures,
    variants,
)

_OF_TEMPLATES = (
    policies.no_public_principal,
    policies.one_service_is_trusted,
    policies.callers_are_narrowed,
    policies.no_wildcard_action,
    policies.tls_only,
    encrypted,
    logs_end,
    keys_rotate,
    functions_keep_failures,
    targets_keep_failures,
    secrets.no_secrets,
)


def check_environment(
    templates: Mapping[str, Template], *, region: str | None, prices: Prices
) -> list[Finding]:
    """Findings of the templates and of the definition inside them, in order.

    Args:
        templates: by unit.
        region: where it is deployed; None where the environment names none.
        prices: which instance types there are.
    """
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
        found.update(
            instance_type(subject, path, name, use="hosting", region=region, prices=prices)
        )
    return sorted(found)


def check_templates(templates: Mapping[str, Template]) -> list[Finding]:
    """All that the templates of an environment have against the rules, in order."""
    return sorted({finding for rule in _OF_TEMPLATES for finding in rule(templates)})
