"""The policy that a rehearsal bounds its roles by; on AWS it is there before anything of ours."""

from __future__ import annotations

import boto3
from botocore.exceptions import ClientError

from scripts import REPOSITORY

BOUNDARY = "security.permissions_boundary"
"""CDK context key of the setting."""

POLICY = REPOSITORY / "docs" / "permissions-boundary.json"


def make_boundary(name: str) -> None:
    """Makes the managed policy `name` of `docs/permissions-boundary.json`, unless it is there; of
    an ARN nothing is made.
    """
    if name.startswith("arn:"):
        return
    path, _, plain = name.rpartition("/")
    try:
        boto3.client("iam").create_policy(
            PolicyName=plain,
            Path=f"/{path}/" if path else "/",
            PolicyDocument=POLICY.read_text(encoding="utf-8"),
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "EntityAlreadyExists":
            raise
