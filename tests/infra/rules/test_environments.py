"""Rules of templates find what the scanners don't look for."""

import pytest

from infra.rules.environments import check_templates

LET_ANYBODY = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}
LET_SERVICE = {
    "Effect": "Allow",
    "Principal": {"Service": "events.amazonaws.com"},
    "Action": "sns:Publish",
    "Resource": "*",
}
TOKEN = "ghp_" + "a1B2c3D4e5F6" * 3


def first(templates, kind):
    """(`<unit>/<logical id>`, properties) of a resource of a type."""
    return next(
        (f"{unit}/{logical_id}", resource["Properties"])
        for unit, template in templates.items()
        for logical_id, resource in template["Resources"].items()
        if resource["Type"] == kind
        # A function that CloudFormation itself calls has no dead letters, by an exception.
        if kind != "AWS::Lambda::Function" or "DeadLetterConfig" in resource["Properties"]
    )


def append(path, value):
    def change(properties):
        for part in path.split("."):
            properties = properties[part]
        properties.append(value)

    return change


def without(name):
    return lambda properties: properties.pop(name)


def having(name, value):
    return lambda properties: properties.update({name: value})


def trust(*principals):
    statements = [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal}
        for principal in principals
    ]
    return having("AssumeRolePolicyDocument", {"Version": "2012-10-17", "Statement": statements})


LAMBDA, SAGEMAKER = {"Service": "lambda.amazonaws.com"}, {"Service": "sagemaker.amazonaws.com"}
DOCUMENT = "PolicyDocument.Statement"

BROKEN = [
    ("named-principals", "AWS::S3::BucketPolicy", append(DOCUMENT, LET_ANYBODY)),
    (
        "named-principals",
        "AWS::SQS::QueuePolicy",
        append(DOCUMENT, {**LET_ANYBODY, "Principal": {"AWS": ["*"]}}),
    ),
    (
        "named-principals",
        "AWS::KMS::Key",
        append("KeyPolicy.Statement", {**LET_ANYBODY, "Principal": {"AWS": "*"}}),
    ),
    ("named-principals", "AWS::Lambda::Permission", having("Principal", "*")),
    ("one-service", "AWS::IAM::Role", trust(LAMBDA, SAGEMAKER)),
    ("one-service", "AWS::IAM::Role", trust({"Service": ["a.amazonaws.com", "b.amazonaws.com"]})),
    ("one-service", "AWS::IAM::Role", trust({"AWS": "arn:aws:iam::210987654321:root"})),
    ("one-service", "AWS::IAM::Role", trust({"Federated": "arn:aws:iam::1:oidc-provider/git"})),
    ("narrowed-callers", "AWS::SNS::TopicPolicy", append(DOCUMENT, LET_SERVICE)),
    ("narrowed-callers", "AWS::Lambda::Permission", without("SourceArn")),
    (
        "named-actions",
        "AWS::IAM::Policy",
        append(DOCUMENT, {"Effect": "Allow", "Action": ["s3:Get*"], "Resource": "*"}),
    ),
    (
        "named-actions",
        "AWS::IAM::Policy",
        append(DOCUMENT, {"Effect": "Allow", "NotAction": "iam:PassRole", "Resource": "*"}),
    ),
    ("encrypted", "AWS::S3::Bucket", without("BucketEncryption")),
    ("encrypted", "AWS::SQS::Queue", having("SqsManagedSseEnabled", False)),
    ("encrypted", "AWS::SNS::Topic", without("KmsMasterKeyId")),
    ("encrypted", "AWS::DynamoDB::Table", without("SSESpecification")),
    ("encrypted", "AWS::SageMaker::EndpointConfig", without("KmsKeyId")),
    ("log-retention", "AWS::Logs::LogGroup", without("RetentionInDays")),
    ("key-rotation", "AWS::KMS::Key", having("EnableKeyRotation", False)),
    ("dead-letters", "AWS::Lambda::Function", without("DeadLetterConfig")),
    (
        "dead-letters",
        "AWS::Events::Rule",
        lambda properties: properties["Targets"][0].pop("DeadLetterConfig"),
    ),
    (
        "secrets",
        "AWS::Lambda::Function",
        lambda properties: properties["Environment"]["Variables"].update(PASSWORD="correct-horse"),
    ),
    ("secrets", "AWS::SSM::Parameter", having("Value", TOKEN)),
]


@pytest.mark.parametrize("broken", BROKEN, ids=lambda b: f"{b[0]}-{b[1]}")
def test_a_rule_finds_the_resource_that_breaks_it(templates, broken):
    rule, kind, change = broken
    before = set(check_templates(templates))
    subject, properties = first(templates, kind)
    change(properties)
    found = [finding for finding in check_templates(templates) if finding not in before]
    assert [(finding.subject, finding.rule) for finding in found] == [(subject, rule)]
    assert ": " in found[0].wrong


@pytest.mark.parametrize("kind", ["AWS::S3::Bucket", "AWS::SQS::Queue", "AWS::SNS::Topic"])
def test_whatever_has_no_policy_that_demands_tls_is_found(templates, kind):
    subject, _ = first(templates, kind)
    unit, _, logical_id = subject.partition("/")
    for resource in templates[unit]["Resources"].values():
        properties = resource.get("Properties", {})
        named = [properties.get(n) for n in ("Bucket", "Queues", "Topics")]
        if any(logical_id in str(name) for name in named):
            statements = properties["PolicyDocument"]["Statement"]
            properties["PolicyDocument"]["Statement"] = [
                statement for statement in statements if statement["Effect"] != "Deny"
            ]
    found = [finding for finding in check_templates(templates) if finding.rule == "tls-only"]
    assert [finding.subject for finding in found] == [subject]


def test_a_condition_or_a_deny_lets_nobody_in(templates):
    before = check_templates(templates)
    _, topic = first(templates, "AWS::SNS::TopicPolicy")
    only_own = {"StringEquals": {"aws:SourceAccount": "123456789012"}}
    topic["PolicyDocument"]["Statement"] += [
        {**LET_ANYBODY, "Effect": "Deny"},
        {**LET_SERVICE, "Condition": only_own},
    ]
    assert check_templates(templates) == before


def test_a_secret_in_an_output_is_found(templates):
    templates["data"]["Outputs"]["Token"] = {"Value": TOKEN}
    (found,) = [f for f in check_templates(templates) if f.rule == "secrets"]
    assert (found.subject, found.path) == ("data", "Outputs.Token.Value")
    assert TOKEN not in found.sentence


def test_one_subject_of_an_identity_provider_is_one_duty_and_any_is_not(templates):
    before = check_templates(templates)
    _, role = first(templates, "AWS::IAM::Role")
    trust({"Federated": "arn:aws:iam::123456789012:oidc-provider/git.example.com"})(role)
    (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
    audience = {"git.example.com:aud": "sts.amazonaws.com"}
    statement["Condition"] = {
        "StringEquals": {**audience, "git.example.com:sub": "repo:acme/shardwise:environment:prod"}
    }
    assert check_templates(templates) == before
    statement["Condition"] = {
        "StringEquals": audience,
        "StringLike": {"git.example.com:sub": "repo:acme/*"},
    }
    assert len(check_templates(templates)) == len(before) + 1
