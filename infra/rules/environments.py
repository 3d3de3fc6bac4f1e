"""All rules of our own, on all that one environment is made of."""

from collections.abc import Mapping

from infra.assembly import Template, pipeline_definition
from infra.costs import Prices
from infra.rules import instances
from infra.rules.definitions import check
from infra.rules.finding import Finding
from infra.rules.templates import check_templates
from infra.rules.templates.buckets import encrypted_buckets
from infra.rules.templates.resources import resources


def check_environment(
    templates: Mapping[str, Template], *, region: str | None, prices: Prices
) -> list[Finding]:
    """Findings of the templates and of the definition inside them, in order.

    Args:
        templates: by unit.
        region: where it is deployed; None where the environment names none.
        prices: which instance types there are.
    """
    found = check_templates(templates)
    for unit, template in templates.items():
        if any(resources({unit: template}, "AWS::SageMaker::Pipeline")):
            found += check(
                pipeline_definition(template),
                region=region,
                prices=prices,
                encrypted_buckets=encrypted_buckets(templates),
            )
    for configuration in resources(templates, "AWS::SageMaker::EndpointConfig"):
        found += instances.of_endpoint(configuration, region, prices)
    return sorted(found)
