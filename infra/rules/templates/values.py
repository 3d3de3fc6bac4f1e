"""Values that anybody reads who may describe a resource."""

from collections.abc import Iterator, Mapping

from infra.assembly import Template
from infra.rules import secrets
from infra.rules.finding import Finding
from infra.rules.templates.resources import resources

_READABLE = {
    "AWS::Lambda::Function": "Environment",
    "AWS::SSM::Parameter": "Value",
    "AWS::SageMaker::Model": "PrimaryContainer",
    "AWS::CloudFormation::Stack": "Parameters",
}


def no_secrets(templates: Mapping[str, Template]) -> Iterator[Finding]:
    """Environments, parameters and outputs hold none."""
    for resource in resources(templates, *_READABLE):
        member = _READABLE[resource.type]
        yield from secrets.of(resource.subject, resource.properties.get(member), member)
    for unit, template in templates.items():
        for section in ("Outputs", "Parameters"):
            yield from secrets.of(unit, template.get(section), section)
