"""Rules of whole templates, where the scanners are blind."""

from collections.abc import Mapping

from infra.assembly import Template
from infra.rules.finding import Finding
from infra.rules.templates import events, policies, storage, tls, values

RULES = (
    policies.no_public_principal,
    policies.one_service_is_trusted,
    policies.callers_are_narrowed,
    policies.no_wildcard_action,
    tls.tls_only,
    storage.encrypted,
    storage.logs_end,
    storage.keys_rotate,
    events.functions_keep_failures,
    events.targets_keep_failures,
    values.no_secrets,
)


def check_templates(templates: Mapping[str, Template]) -> list[Finding]:
    """All that the templates of an environment have against the rules, in order.

    Args:
        templates: by unit.
    """
    return sorted({finding for rule in RULES for finding in rule(templates)})
