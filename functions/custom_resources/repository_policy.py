"""Keeps one statement of an ECR repository's policy, and leaves the others as they are."""

import json
import logging
from typing import TYPE_CHECKING, Any

import boto3

from .request import Context, Request, answers, client_config

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient

logger = logging.getLogger(__name__)

_CLIENT = client_config()

# https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-policy-examples.html
_PULL = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]


# Of another repository or environment it is another statement, and the old one goes.
@answers(
    lambda properties: f"{properties['RepositoryName']}/{properties['Sid']}",
    failure=lambda properties: f"The policy of {properties['RepositoryName']} was not changed: ",
)
def handler(event: Request, context: Context) -> None:
    """Lets `Accounts` pull images of `RepositoryName`, by the statement `Sid`."""
    properties = event["ResourceProperties"]
    accounts = [] if event["RequestType"] == "Delete" else properties["Accounts"]
    client = boto3.client("ecr", config=_CLIENT)
    set_statement(client, properties["RepositoryName"], properties["Sid"], accounts)


def set_statement(client: "ECRClient", repository: str, sid: str, accounts: list[str]) -> None:
    """Makes the statement `sid` let `accounts` pull images; without any, there is none."""
    kept = [one for one in _statements(client, repository) if one.get("Sid") != sid]
    if accounts:
        kept.append(
            {"Sid": sid, "Effect": "Allow", "Principal": {"AWS": accounts}, "Action": _PULL}
        )
    if kept:
        policy = json.dumps({"Version": "2012-10-17", "Statement": kept})
        client.set_repository_policy(repositoryName=repository, policyText=policy)
        return
    try:
        client.delete_repository_policy(repositoryName=repository)
    except (
        client.exceptions.RepositoryPolicyNotFoundException,
        client.exceptions.RepositoryNotFoundException,
    ):
        return


def _statements(client: "ECRClient", repository: str) -> list[dict[str, Any]]:
    try:
        text = client.get_repository_policy(repositoryName=repository)["policyText"]
    except (
        client.exceptions.RepositoryPolicyNotFoundException,
        client.exceptions.RepositoryNotFoundException,
    ):
        return []
    found = json.loads(text)["Statement"]
    return found if isinstance(found, list) else [found]
