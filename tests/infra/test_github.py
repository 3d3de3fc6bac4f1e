"""What a repository's workflows may do, and which of them."""

import pytest

from infra.assembly import UNITS, plain_text
from tests.infra.options import REPOSITORY

STACKS = sorted(f"stack/shardwise-dev-{unit}/*" for unit in UNITS)
SUBJECT = "token.actions.githubusercontent.com:sub"


@pytest.fixture(scope="module")
def roles(options):
    """Subject -> the role that it may assume."""
    found = {}
    for logical_id, resource in options.template("dev", "operations")["Resources"].items():
        document = resource.get("Properties", {}).get("AssumeRolePolicyDocument")
        if document is None or "Federated" not in document["Statement"][0]["Principal"]:
            continue
        (statement,) = document["Statement"]
        assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
        exact = statement["Condition"]["StringEquals"]
        assert exact["token.actions.githubusercontent.com:aud"] == "sts.amazonaws.com"
        found[exact[SUBJECT]] = logical_id
    return found


def allowed(assembly, role):
    """Action -> resources."""
    found = {}
    for policy in assembly.resources("AWS::IAM::Policy"):
        if {"Ref": role} in policy["Roles"]:
            for statement in policy["PolicyDocument"]["Statement"]:
                actions, resources = statement["Action"], statement["Resource"]
                for action in [actions] if isinstance(actions, str) else actions:
                    many = resources if isinstance(resources, list) else [resources]
                    found[action] = [plain_text(resource).split(":", 5)[5] for resource in many]
    return found


def test_pull_requests_and_jobs_of_the_environment_are_let_in_and_nobody_else(roles):
    assert set(roles) == {f"repo:{REPOSITORY}:pull_request", f"repo:{REPOSITORY}:environment:dev"}


def test_a_pull_request_reads_templates_and_can_change_nothing(options, roles):
    assert allowed(options, roles[f"repo:{REPOSITORY}:pull_request"]) == {
        "cloudformation:DescribeStacks": STACKS,
        "cloudformation:GetTemplate": STACKS,
    }


def test_a_deployment_assumes_the_roles_of_the_bootstrap_and_no_other(options, roles):
    may = allowed(options, roles[f"repo:{REPOSITORY}:environment:dev"])
    assert [name.split("-role-")[0] for name in may["sts:AssumeRole"]] == [
        f"role/cdk-hnb659fds-{duty}"
        for duty in ("deploy", "file-publishing", "image-publishing", "lookup")
    ]


def test_without_a_repository_nobody_is_let_in(assembly):
    for role in assembly.resources("AWS::IAM::Role", "prod"):
        assert "Federated" not in str(role["AssumeRolePolicyDocument"])
