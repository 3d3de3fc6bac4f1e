"""What looks like a secret is found wherever a definition can hold a value."""

import pytest

from infra.rules.secrets import check_secrets
from tests.infra.rules.changes import argument, of_pipeline

TOKEN = "ghp_" + "a1B2c3D4e5F6" * 3


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (
            argument("TrainModel", "Environment", {"API_KEY": "9f8e7d6c5b4a"}),
            "Environment.API_KEY",
        ),
        (argument("TrainModel", "HyperParameters.token", TOKEN), "HyperParameters.token"),
        (
            argument(
                "ShardImages",
                "AppSpecification.ContainerArguments",
                ["--password", "correct-horse-battery"],
            ),
            "AppSpecification.ContainerArguments[1]",
        ),
        (
            argument("EvaluateModel", "Tags[2]", {"Key": "secret", "Value": "correct-horse"}),
            "Tags[2].Value",
        ),
        (
            of_pipeline(
                "Parameters[9]",
                {"Name": "DatabasePassword", "Type": "String", "DefaultValue": "correct-horse"},
            ),
            "Parameters[9].DefaultValue",
        ),
    ],
)
def test_a_secret_is_found_where_it_lies(found_after, change, path):
    found = [finding for finding in found_after(change) if finding.rule == "secrets"]
    assert [finding.path for finding in found] == [path]
    assert "Secrets Manager" in found[0].sentence


@pytest.mark.parametrize(
    "value",
    [
        "AKIA" + "IOSFODNN7EXAMPLE",
        TOKEN,
        "https://user:correct-horse@example.com/",
        "-----BEGIN RSA PRIVATE KEY-----",
        "sk_live_" + "a1b2c3d4e5f6g7h8i9j0k1l2",
    ],
)
def test_known_forms_are_found_under_any_name(value):
    (found,) = check_secrets("step", {"harmless": value})
    assert found.path == "harmless"
    assert value not in found.sentence


@pytest.mark.parametrize(
    "value",
    ["a" * 64, "s3://bucket/prefix/0123456789abcdef", "arn:aws:kms:us-east-1:123456789012:key/1-2"],
)
def test_hashes_and_names_are_no_secrets(value):
    assert list(check_secrets("step", {"harmless": value})) == []
