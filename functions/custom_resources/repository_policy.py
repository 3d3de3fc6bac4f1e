"""Keeps one statement of an ECR repository's policy, and leaves the others as they are."""

import json
import logging
import urllib.request
from typing import TYPE_CHECKING, Any, Literal, NotRequired, TypedDict

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient

logger = logging.getLogger(__name__)
logger.setLevel(logging.INFO)

# A question that hangs is given up while the function can still answer CloudFormation.
_CLIENT = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 3})

# https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-policy-examples.html
_PULL = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]


class _Properties(TypedDict):
    RepositoryName: str
    Sid: str
    Accounts: list[str]


class Request(TypedDict):
    """What CloudFormation asks of a custom resource.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requesttypes.html
    """

    RequestType: Literal["Create", "Update", "Delete"]
    ResponseURL: str
    StackId: str
    RequestId: str
    LogicalResourceId: str
    PhysicalResourceId: NotRequired[str]
    ResourceProperties: _Properties


def handler(event: Request, context: object) -> None:
    """Answers CloudFormation in any case: without an answer it would wait for an hour."""
    properties = event["ResourceProperties"]
    accounts = [] if event["RequestType"] == "Delete" else properties["Accounts"]
    repository = properties["RepositoryName"]
    try:
        state(boto3.client("ecr", config=_CLIENT), repository, properties["Sid"], accounts)
    except Exception as error:
        logger.exception("The policy of %s was not changed.", repository)
        _answer(event, "FAILED", f"The policy of {repository} was not changed: {error}")
    else:
        _answer(event, "SUCCESS", "")


def state(client: "ECRClient", repository: str, sid: str, accounts: list[str]) -> None:
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


def _answer(event: Request, status: str, reason: str) -> None:
    properties = event["ResourceProperties"]
    body = {
        "Status": status,
        "Reason": reason,
        # Of another repository or environment it is another statement, and the old one goes.
        "PhysicalResourceId": f"{properties['RepositoryName']}/{properties['Sid']}"
        if event["RequestType"] != "Delete"
        else event.get("PhysicalResourceId", ""),
        **{key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")},
    }
    request = urllib.request.Request(  # noqa: S310 - CloudFormation's own URL
        event["ResponseURL"],
        data=json.dumps(body).encode(),
        headers={"Content-Type": ""},
        method="PUT",
    )
    urllib.request.urlopen(request, timeout=20).close()  # noqa: S310
