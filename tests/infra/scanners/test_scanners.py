"""Scanners find nothing that is not explained, and no explanation outlives what it is for."""

import pytest

from infra.exceptions import cfn_lint as of_cfn_lint
from infra.exceptions import checkov as of_checkov
from infra.exceptions.accepted import stale, unexplained
from tests.infra.scanners.tree import is_bad

EXCEPTIONS = {"checkov": of_checkov.EXCEPTIONS, "cfn_lint": of_cfn_lint.EXCEPTIONS}


@pytest.fixture(params=EXCEPTIONS)
def scanner(request):
    return request.param


@pytest.fixture
def ours(scanner, request):
    return [found for found in request.getfixturevalue(scanner) if not is_bad(found)]


def test_all_that_a_scanner_finds_is_explained(scanner, ours):
    left = [f"{f.subject}: {f.rule} {f.said}" for f in unexplained(ours, EXCEPTIONS[scanner])]
    assert not left, "\n".join(left)


def test_every_explanation_is_of_something_that_the_scanner_finds(scanner, ours):
    assert stale(ours, EXCEPTIONS[scanner]) == []


def test_every_explanation_is_a_sentence(scanner):
    for exception in EXCEPTIONS[scanner]:
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
