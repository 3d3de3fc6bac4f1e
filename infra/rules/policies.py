"""Who may do what with a resource, and how it is asked: trust and resource policies, TLS."""

from collections.abc import Iterator, Mapping
from typing import Any

from infra.assembly import Template
from infra.rules import Finding, Problems
from infra.rules.resources import Resource, as_list, resources, target

Statement = Mapping[str, Any]

_DOCUMENTS = ("AssumeRolePolicyDocument", "PolicyDocument", "KeyPolicy", "ResourcePolicy")
_DOCUMENTS_OF = {
    "AWS::ECR::Repository": ("RepositoryPolicyText",),
    "AWS::SageMaker::ModelPackageGroup": ("ModelPackageGroupPolicy",),
}
_OF_IDENTITIES = ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::Role")
_CONFUSED = (
    "the service is let in on anybody's behalf: add a condition on aws:SourceArn or "
    "aws:SourceAccount"
)
# Type -> the type of its policy, and the property that names what the policy is for.
_POLICIES = {
    "AWS::S3::Bucket": ("AWS::S3::BucketPolicy", "Bucket"),
    "AWS::SQS::Queue": ("AWS::SQS::QueuePolicy", "Queues"),
    "AWS::SNS::Topic": ("AWS::SNS::TopicPolicy", "Topics"),
}


def statements(resource: Resource) -> Iterator[tuple[str, Statement]]:
    """(path, statement) of every policy of a resource."""
    for member in (*_DOCUMENTS, *_DOCUMENTS_OF.get(resource.type, ())):
        document = resource.properties.get(member)
        if isinstance(document, Mapping):
            for number, statement in enumerate(as_list(document["Statement"])):
                yield f"{member}.Statement[{number}]", statement


def public_principals(resource: Resource) -> Problems:
    """Whom a policy lets in without a name.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
    """
    for path, statement in statements(resource):
        if statement["Effect"] == "Allow" and _is_everybody(statement):
            yield path, "everybody is let in: name who needs it"
    if resource.type == "AWS::Lambda::Permission" and resource.properties["Principal"] == "*":
        yield "Principal", "everybody may call the function: name who needs it"


def _is_everybody(statement: Statement) -> bool:
    if "NotPrincipal" in statement:
        return True
    principal = statement.get("Principal", {})
    named = principal.values() if isinstance(principal, Mapping) else [principal]
    return any("*" in as_list(names) for names in named)


def several_trusted(resource: Resource) -> Problems:
    """A role that is not one service's, or one subject's of an identity provider.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html
    """
    if resource.type != "AWS::IAM::Role":
        return
    found = [statement for _, statement in statements(resource)]
    trusted = [party for statement in found for party in _trusted(statement)]
    named = all("Service" in s.get("Principal", {}) or _is_one_subject(s) for s in found)
    if len(trusted) != 1 or not named:
        yield (
            "AssumeRolePolicyDocument",
            f"the role trusts {', '.join(trusted) or 'nobody'}: make it one service's, or one "
            "subject's of an identity provider, as another duty has another role",
        )


def _trusted(statement: Statement) -> list[str]:
    principal = statement.get("Principal", {})
    if not isinstance(principal, Mapping):
        return [str(principal)]
    return [str(party) for parties in principal.values() for party in as_list(parties)]


def _is_one_subject(statement: Statement) -> bool:
    """Does it name for whom and to whom the provider vouches, in full?"""
    exact = statement.get("Condition", {}).get("StringEquals", {})
    named = {key.rpartition(":")[2] for key in exact if isinstance(exact[key], str)}
    return set(statement.get("Principal", {})) == {"Federated"} and {"aud", "sub"} <= named


def unnarrowed_callers(resource: Resource) -> Problems:
    """A service that a resource lets in for anybody, and not for one account or resource.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
    """
    if resource.type == "AWS::IAM::Role":
        return
    narrow = {"SourceArn", "SourceAccount", "PrincipalOrgID"}
    if resource.type == "AWS::Lambda::Permission" and not narrow & set(resource.properties):
        yield "SourceArn", _CONFUSED
    for path, statement in statements(resource):
        principal = statement.get("Principal", {})
        lets_service = isinstance(principal, Mapping) and "Service" in principal
        if statement["Effect"] == "Allow" and lets_service and not statement.get("Condition"):
            yield path, _CONFUSED


def wildcard_actions(resource: Resource) -> Problems:
    """What an identity may do that is not named, and whatever a service learns to do.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html
    """
    for path, statement in _of_identity(resource):
        actions = as_list(statement.get("Action", "NotAction *"))
        wild = [action for action in actions if "*" in action]
        if statement["Effect"] == "Allow" and wild:
            yield path, f"{', '.join(wild)} allows what nobody named: name each action"


def _of_identity(resource: Resource) -> Iterator[tuple[str, Statement]]:
    if resource.type not in _OF_IDENTITIES:
        return
    policies = resource.properties.get("Policies", [])
    inline = [(f"Policies[{n}].", policy) for n, policy in enumerate(policies)]
    for place, holder in inline or [("", resource.properties)]:
        document = holder.get("PolicyDocument", {"Statement": []})
        for number, statement in enumerate(as_list(document["Statement"])):
            yield f"{place}PolicyDocument.Statement[{number}]", statement


def without_tls(templates: Mapping[str, Template]) -> Iterator[Finding]:
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
            wrong = "no policy refuses requests without TLS: set enforce_ssl"
            yield Finding(resource.subject, "tls-only", "", wrong)


def _refuses_plain(statement: Statement) -> bool:
    condition = statement.get("Condition")
    return (
        statement["Effect"] == "Deny"
        and isinstance(condition, Mapping)
        and condition.get("Bool") == {"aws:SecureTransport": "false"}
    )
