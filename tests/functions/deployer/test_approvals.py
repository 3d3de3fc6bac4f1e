"""The pure parts of the deployer: which package, which event, which name."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.deployer.approvals import Approval, Attempt, approved_package, desired, version_in

START = datetime(2026, 11, 25, tzinfo=UTC)
PACKAGE = "arn:aws:sagemaker:us-east-1:123456789012:model-package/shardwise-prod-0a1b2c3d/3"
SECONDS = st.integers(0, 5).map(lambda seconds: START + timedelta(seconds=seconds))
APPROVALS = st.lists(
    st.builds(Approval, st.just(""), st.integers(1, 9), SECONDS, st.none() | SECONDS),
    unique_by=lambda approval: approval.version,
)


def changed(status="Approved", time="2026-11-25T00:00:07Z", **detail):
    return {
        "detail-type": "SageMaker Model Package State Change",
        "time": time,
        "detail": {"ModelPackageArn": PACKAGE, "ModelApprovalStatus": status, **detail},
    }


@given(APPROVALS.flatmap(lambda found: st.tuples(st.just(found), st.permutations(found))))
def test_the_order_in_which_approvals_are_found_does_not_matter(orders):
    first, second = (desired(order, lambda _: True) for order in orders)
    assert first == second


@given(APPROVALS)
def test_nothing_newer_stands_than_what_is_wanted(approvals):
    wanted = desired(approvals, lambda _: True)
    standing = [a for a in approvals if a.failed is None or a.failed < a.approved]
    assert (wanted is None) == (not standing)
    assert all((a.approved, a.version) <= (wanted.approved, wanted.version) for a in standing)


def test_a_package_that_is_no_longer_approved_is_passed_over():
    older, newer = (Approval(name, n, START + timedelta(n)) for n, name in enumerate("ab"))
    assert desired([older, newer], lambda package: package == "a") == older


@given(st.integers(1, 10**6), st.integers(0, 2**42))
def test_an_attempt_is_known_again_by_its_change_set_and_by_its_token(version, milliseconds):
    approved = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
    attempt = Attempt(version, approved)
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html
    assert re.fullmatch(r"[a-zA-Z][-a-zA-Z0-9]{0,127}", f"{attempt.name}-{2**42}")
    assert Attempt.from_name(attempt.name) == attempt
    assert Attempt.from_name(f"{attempt.name}-17") == attempt


@pytest.mark.parametrize(
    "name", ["", "cdk-deploy-change-set", "model-1", "model-a-1", "my-model-1-2"]
)
def test_others_names_are_no_attempts(name):
    assert Attempt.from_name(name) is None


@pytest.mark.parametrize("fields", [{}, {"UpdatedModelPackageFields": ["ModelApprovalStatus"]}])
def test_an_approval_has_its_events_time(fields):
    assert approved_package(changed(**fields)) == (PACKAGE, START + timedelta(seconds=7))


@pytest.mark.parametrize(
    "event",
    [
        changed("Rejected"),
        changed("PendingManualApproval"),
        changed(UpdatedModelPackageFields=["CustomerMetadataProperties"]),
        changed(UpdatedModelPackageFields=[]),
        {"detail-type": "CloudFormation Stack Status Change", "time": "", "detail": {}},
    ],
)
def test_another_event_is_no_approval(event):
    assert approved_package(event) is None


@pytest.mark.parametrize(
    ("group", "package", "version"),
    [
        ("shardwise-prod-0a1b2c3d", PACKAGE, 3),
        ("Shardwise-Prod-0a1b2c3d", PACKAGE, 3),
        ("prod-0a1b2c3d", PACKAGE, None),
        ("shardwise-prod-0a1b2c3d", PACKAGE.rpartition("/")[0], None),
    ],
)
def test_a_version_is_one_of_its_own_group_only(group, package, version):
    assert version_in(group, package) == version
