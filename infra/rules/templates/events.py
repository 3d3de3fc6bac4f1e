"""What fails is kept until somebody looks at it."""

from collections.abc import Iterator, Mapping

from infra.assembly import Template
from infra.rules.finding import Finding
from infra.rules.templates.resources import resources


def functions_keep_failures(templates: Mapping[str, Template]) -> Iterator[Finding]:
    """Every function has a dead-letter queue, or a destination of what it failed on.

    https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
    """
    for function in resources(templates, "AWS::Lambda::Function"):
        if not function.properties.get("DeadLetterConfig"):
            yield Finding(
                function.subject,
                "dead-letters",
                "DeadLetterConfig",
                "what the function fails on is lost: give it a dead-letter queue, or say in "
                "infra/exceptions/rules.py who hears of it",
            )


def targets_keep_failures(templates: Mapping[str, Template]) -> Iterator[Finding]:
    """Every target of a rule has a dead-letter queue for what can't be delivered.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
    """
    for rule in resources(templates, "AWS::Events::Rule"):
        for number, target in enumerate(rule.properties.get("Targets", [])):
            if not target.get("DeadLetterConfig"):
                yield Finding(
                    rule.subject,
                    "dead-letters",
                    f"Targets[{number}].DeadLetterConfig",
                    "an event that can't be delivered is lost: give the target a dead-letter queue",
                )
