"""All rules of our own, on all that one environment is made of."""

from collections.abc import Mapping

from infra.assembly import Template, pipeline_definition
from infra.rules.definitions import check
from infra.rules.finding import Finding
from infra.rules.instances import Offered
from infra.rules.templates import check_templates
from infra.rules.templates.buckets import encrypted_buckets
from infra.rules.templates.resources import resources


def check_environment(
    templates: Mapping[str, Template], *, region: str | None, is_offered: Offered
) -> list[Finding]:
    """Findings of the templates and of the definition inside them, in order.

    :param templates: by unit.
    :param region: where it is deployed; None where the environment names none.
    :param is_offered: is an instance type offered there?
    """
    found = check_templates(templates)
    for unit, template in templates.items():
        if any(resources({unit: template}, "AWS::SageMaker::Pipeline")):
            found += check(
                pipeline_definition(template),
                region=region,
                is_offered=is_offered,
                encrypted_buckets=encrypted_buckets(templates),
            )
    return sorted(found)
