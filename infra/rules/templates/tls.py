"""Buckets, queues and topics refuse who comes without TLS."""

from collections.abc import Iterator, Mapping

from infra.assembly import Template
from infra.rules.finding import Finding
from infra.rules.templates.policies import statements
from infra.rules.templates.resources import as_list, resources, target

# Type -> the type of its policy, and the property that names what the policy is for.
_POLICIES = {
    "AWS::S3::Bucket": ("AWS::S3::BucketPolicy", "Bucket"),
    "AWS::SQS::Queue": ("AWS::SQS::QueuePolicy", "Queues"),
    "AWS::SNS::Topic": ("AWS::SNS::TopicPolicy", "Topics"),
}


def tls_only(templates: Mapping[str, Template]) -> Iterator[Finding]:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html"""
    guarded = {
        (policy.unit, target(named))
        for policy_type, named_by in _POLICIES.values()
        for policy in resources(templates, policy_type)
        if any(_refuses_plain(statement) for _, statement in statements(policy))
        for named in as_list(policy.properties[named_by])
    }
    for resource in resources(templates, *_POLICIES):
        if (resource.unit, resource.logical_id) not in guarded:
            yield Finding(
                resource.subject,
                "tls-only",
                "",
                "no policy refuses requests without TLS: set enforce_ssl",
            )


def _refuses_plain(statement: Mapping[str, object]) -> bool:
    condition = statement.get("Condition")
    return (
        statement["Effect"] == "Deny"
        and isinstance(condition, Mapping)
        and condition.get("Bool") == {"aws:SecureTransport": "false"}
    )
