"""Which policies widen and which do not, statement by statement."""

from typing import Any

import pytest

from scripts.reviews.comparison import Comparison
from scripts.reviews.iam import Iam, iam
from scripts.reviews.stacks import Stacks, Template

TRUST = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "a.amazonaws.com"}}
READ = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/models/*"}


def template(*statements: dict[str, Any], trust: Any = TRUST, **more: Any) -> Template:
    """A role with a policy; the key, the queue or the boundary that a test needs besides."""
    boundary = {"PermissionsBoundary": more["boundary"]} if "boundary" in more else {}
    resources = {
        "TrainingRole": {
            "Type": "AWS::IAM::Role",
            "Properties": {"AssumeRolePolicyDocument": {"Statement": trust}, **boundary},
        },
        "Policy": {
            "Type": "AWS::IAM::Policy",
            "Properties": {
                "PolicyDocument": {"Statement": list(statements)},
                "Roles": [{"Ref": "TrainingRole"}],
            },
        },
        **more.get("resources", {}),
    }
    return {"Resources": resources}


def compared(before: Template, after: Template) -> Iam:
    sides = Stacks("before", {"training": before}), Stacks("after", {"training": after})
    return iam(Comparison("dev", *sides))


def texts(found: Iam) -> list[str]:
    return [entry.text for entry in found.entries]


@pytest.mark.parametrize(
    "new",
    [
        {**READ, "Resource": "arn:aws:s3:::b/models/new/*"},
        {**READ, "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::b/models/*"]},
        {**READ, "Condition": {"Bool": {"aws:SecureTransport": "true"}}},
        {**READ, "Sid": "Other"},
    ],
    ids=["narrower resource", "lists", "with a condition", "another Sid"],
)
def test_a_statement_that_an_old_one_covers_widens_nothing(new: dict[str, Any]) -> None:
    assert compared(template(READ), template(READ, new)).wider == 0


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (
            READ,
            {**READ, "Resource": "arn:aws:s3:::b/*"},
            "WIDER: The training role may now read s3://b/*",
        ),
        (
            READ,
            {**READ, "Action": "s3:*"},
            "WIDER: The training role may now call everything of s3 on s3://b/models/*",
        ),
        (
            {**READ, "Condition": {"StringEquals": {"aws:PrincipalTag/a": ["x"]}}},
            {**READ, "Condition": {"StringEquals": {"aws:PrincipalTag/a": ["x", "y"]}}},
            "WIDER: The training role may now read s3://b/models/*, where aws:PrincipalTag/a is y",
        ),
        (
            {**READ, "Condition": {"StringNotEquals": {"a:b": ["x", "y"]}}},
            {**READ, "Condition": {"StringNotEquals": {"a:b": ["x"]}}},
            "WIDER: The training role may now read s3://b/models/*, where a:b is not x",
        ),
        (
            READ,
            {"Effect": "Allow", "NotAction": ["iam:*"], "Resource": "*"},
            "WIDER: The training role may now do anything but iam:* to any resource",
        ),
    ],
    ids=["resource", "action", "another value", "one exception less", "NotAction"],
)
def test_what_nothing_old_covers_widens(
    old: dict[str, Any], new: dict[str, Any], sentence: str
) -> None:
    found = compared(template(old), template(new))
    assert sentence in texts(found)
    assert [f.text for f in found.findings if f.name == "iam-widening"]


def test_what_is_covered_by_everything_but_something_widens_nothing() -> None:
    most = {"Effect": "Allow", "NotAction": ["iam:*"], "Resource": "*"}
    assert compared(template(most), template(most, READ)).wider == 0
    passes = {**READ, "Action": "iam:PassRole"}
    assert compared(template(most), template(most, passes)).wider == 1


def test_a_denial_that_goes_widens_and_one_that_comes_narrows() -> None:
    denied = {**READ, "Effect": "Deny", "Action": "s3:PutObject"}
    lost = compared(template(READ, denied), template(READ))
    assert texts(lost) == [
        "WIDER: The training role is no longer forbidden to write s3://b/models/*"
    ]
    gained = compared(template(READ), template(READ, denied))
    assert texts(gained) == [
        "narrower: The training role is now forbidden to write s3://b/models/*"
    ]


def test_what_is_allowed_and_denied_at_once_widens_nothing() -> None:
    denied = {"Effect": "Deny", "Action": "s3:*", "Resource": "*"}
    writes = {**READ, "Action": "s3:PutObject"}
    assert compared(template(READ, denied), template(READ, denied, writes)).wider == 0


def test_who_may_assume_a_role_is_told() -> None:
    outside = {**TRUST, "Principal": {"AWS": "arn:aws:iam::999999999999:root"}}
    found = compared(template(READ), template(READ, trust=[TRUST, outside]))
    assert texts(found) == ["WIDER: The account 999999999999 may now assume the training role"]


def test_policies_of_resources_and_keys_are_told_with_what_they_lie_on() -> None:
    def key(*statements: dict[str, Any]) -> dict[str, Any]:
        policy = {"KeyPolicy": {"Statement": list(statements)}}
        return {"Key": {"Type": "AWS::KMS::Key", "Properties": policy}}

    logs = {
        "Effect": "Allow",
        "Action": "kms:Decrypt",
        "Resource": "*",
        "Principal": {"Service": "logs.amazonaws.com"},
    }
    found = compared(template(resources=key()), template(resources=key(logs)))
    assert texts(found) == [
        "WIDER: The service logs.amazonaws.com may now decrypt with ${training.Key}"
    ]


def test_a_policy_for_everyone_is_an_exposure_too() -> None:
    def queue(*statements: dict[str, Any]) -> dict[str, Any]:
        return {
            "Queue": {"Type": "AWS::SQS::Queue"},
            "QueuePolicy": {
                "Type": "AWS::SQS::QueuePolicy",
                "Properties": {
                    "PolicyDocument": {"Statement": list(statements)},
                    "Queues": [{"Ref": "Queue"}],
                },
            },
        }

    everyone = {
        "Effect": "Allow",
        "Action": "sqs:SendMessage",
        "Resource": {"Fn::GetAtt": ["Queue", "Arn"]},
        "Principal": "*",
    }
    found = compared(template(resources=queue()), template(resources=queue(everyone)))
    assert texts(found) == ["WIDER: Everyone may now send to ${training.Queue}"]
    assert {finding.name for finding in found.findings} == {"iam-widening", "network-exposure"}


def test_a_permissions_boundary_that_goes_widens() -> None:
    bounded = template(READ, boundary="arn:aws:iam::1:policy/limits")
    assert "now has no permissions boundary" in texts(compared(bounded, template(READ)))[0]
    assert compared(template(READ), bounded).narrower == 1


def test_statements_in_another_order_or_split_mean_the_same() -> None:
    both = {**READ, "Action": ["s3:GetObject", "s3:PutObject"]}
    one, other = READ, {**READ, "Action": "s3:PutObject"}
    assert texts(compared(template(both), template(other, one))) == []


def test_a_new_role_is_told_at_once_with_all_that_it_may() -> None:
    before = {"Resources": {}}
    (entry,) = compared(before, template(READ)).entries
    assert entry.text == "WIDER: The training role is new and may"
    assert entry.notes == (
        "read s3://b/models/*",
        "The service a.amazonaws.com may assume the training role",
    )
