import boto3
import pytest

from scripts.console import CommandError
from scripts.deployed import stacks


def test_an_output_of_a_deployed_stack_is_read(
    session: boto3.Session, environment: str, bucket: str
) -> None:
    assert stacks.output(session, environment, "data", "DropsBucketName") == bucket


def test_a_stack_that_is_not_deployed_is_one_sentence(session: boto3.Session) -> None:
    with pytest.raises(
        CommandError,
        match=r"shardwise-none-data is not deployed: run ./scripts/cdk deploy 'none/\*'",
    ):
        stacks.output(session, "none", "data", "DropsBucketName")


def test_an_output_that_a_stack_lacks_is_one_sentence(
    session: boto3.Session, environment: str, bucket: str
) -> None:
    with pytest.raises(CommandError, match=r"\(CREATE_COMPLETE\) has no output Other"):
        stacks.output(session, environment, "data", "Other")
