"""The table as it is deployed."""

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Template

from infra.function import dead_letter_queue
from infra.settings import Settings
from infra.trigger import Starter


@pytest.fixture(scope="session")
def drops_table() -> dict[str, Any]:
    """Properties of the starter's table."""
    stack = cdk.Stack(cdk.App(), "Trigger")
    settings = Settings(environment="tests")
    Starter(
        stack,
        "Starter",
        settings=settings,
        drops=s3.Bucket.from_bucket_name(stack, "Drops", "drops"),
        artifacts=s3.Bucket.from_bucket_name(stack, "Artifacts", "artifacts"),
        dead_letters=dead_letter_queue(stack, "DeadLetters", settings),
    )
    (table,) = Template.from_stack(stack).find_resources("AWS::DynamoDB::Table").values()
    properties: dict[str, Any] = table["Properties"]
    return properties
