"""Scanners find nothing that is not explained, and no explanation outlives what it is for."""

import pytest

from infra.suppressions import stale, unsuppressed
from infra.suppressions.tables import CFN_LINT, CHECKOV
from tests.infra.scanners.tree import is_bad

SUPPRESSIONS = {"checkov": CHECKOV, "cfn_lint": CFN_LINT}


@pytest.fixture(params=SUPPRESSIONS)
def scanner(request):
    return request.param


@pytest.fixture
def ours(scanner, request):
    return [found for found in request.getfixturevalue(scanner) if not is_bad(found)]


def test_all_that_a_scanner_finds_is_explained(scanner, ours):
    left = [f"{f.subject}: {f.rule} {f.said}" for f in unsuppressed(ours, SUPPRESSIONS[scanner])]
    assert not left, "\n".join(left)


def test_every_explanation_is_of_something_that_the_scanner_finds(scanner, ours):
    assert stale(ours, SUPPRESSIONS[scanner]) == []


def test_every_explanation_is_a_sentence(scanner):
    for exception in SUPPRESSIONS[scanner]:
        assert len(exception.reason.split()) > 4
        assert exception.reason.endswith(".")


@pytest.mark.parametrize(
    ("by", "subject", "rule"),
    [
        ("checkov", "bad/unit/Bucket", "CKV_AWS_20"),
        ("checkov", "bad/unit/Group", "CKV_AWS_24"),
        ("checkov", "bad/Dockerfile", "CKV_DOCKER_7"),
        ("checkov", "bad/Dockerfile", "CKV_DOCKER_8"),
        ("checkov", ".github/workflows/bad.yml", "CKV2_GHA_1"),
        ("checkov", ".github/workflows/bad.yml", "CKV_GHA_2"),
        ("cfn_lint", "bad/unit/Queue", "E3012"),
    ],
)
def test_a_scanner_sees_what_is_bad(request, by, subject, rule):
    assert (subject, rule) in {(f.subject, f.rule) for f in request.getfixturevalue(by)}
