"""Settings that a rehearsal is given, and the boundary that it makes for one of them."""

import json

import boto3
import pytest

from scripts.deployed.cdk import POLICY, make_boundary
from tests.scripts.conftest import RunCommand


@pytest.fixture(autouse=True)
def region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


def test_a_boundary_is_the_one_that_is_shipped(session: boto3.Session) -> None:
    make_boundary("teams/Bound")
    make_boundary("teams/Bound")
    iam = session.client("iam")
    arn = "arn:aws:iam::000000000000:policy/teams/Bound"
    version = iam.get_policy_version(
        PolicyArn=arn, VersionId=iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    )
    document = version["PolicyVersion"]["Document"]
    made = json.loads(document) if isinstance(document, str) else document
    assert made == json.loads(POLICY.read_text())


def test_of_an_arn_nothing_is_made(session: boto3.Session) -> None:
    make_boundary("arn:aws:iam::000000000000:policy/Elsewhere")
    listed = session.client("iam").list_policies(Scope="Local")["Policies"]
    assert "Elsewhere" not in [policy["PolicyName"] for policy in listed]


def test_what_is_no_setting_is_refused_before_anything_begins(run_command: RunCommand) -> None:
    ended = run_command("rehearse", "-c", "network.vpc")
    assert ended.returncode == 2
    assert "'network.vpc' is no setting: write it as KEY=VALUE" in ended.stderr
