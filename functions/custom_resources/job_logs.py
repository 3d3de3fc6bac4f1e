"""Says how long the account's log groups of SageMaker jobs are kept."""

import json
import logging
import urllib.request
from typing import TYPE_CHECKING, Any, Literal, TypedDict

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

logger = logging.getLogger(__name__)
logger.setLevel(logging.INFO)

# A question that hangs is given up while the function can still answer CloudFormation.
_CLIENT = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 3})

_TAG = "job-log-days:"


class Properties(TypedDict):
    """Of the custom resource.

    Attributes:
        LogGroups: name -> ARN, without the asterisk at its end.
        Owner: whose wish it is: the environment's name.
        Days: how long it wants logs kept.
    """

    LogGroups: dict[str, str]
    Owner: str
    Days: str


class Request(TypedDict):
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requesttypes.html"""

    RequestType: Literal["Create", "Update", "Delete"]
    ResponseURL: str
    StackId: str
    RequestId: str
    LogicalResourceId: str
    ResourceProperties: Properties


def handler(event: Request, context: object) -> None:
    """Answers CloudFormation in any case: without an answer it would wait for an hour."""
    properties = event["ResourceProperties"]
    try:
        settle(
            boto3.client("logs", config=_CLIENT),
            properties,
            wanted=event["RequestType"] != "Delete",
        )
    except Exception as error:
        logger.exception("The retention of job logs was not set.")
        _answer(event, "FAILED", f"The retention of job logs was not set: {error}")
    else:
        _answer(event, "SUCCESS", "")


def settle(logs: "CloudWatchLogsClient", properties: Properties, *, wanted: bool) -> None:
    """Notes the owner's wish as a tag of each group, or takes it back, and sets the longest of all
    wishes that are noted there.

    So it does not matter in which order environments come and go, and none loses logs that it
    wants. When the last wish goes, the retention stays as it is.
    """
    tag = f"{_TAG}{properties['Owner']}"
    for name, arn in properties["LogGroups"].items():
        if wanted:
            _make(logs, name)
            logs.tag_resource(resourceArn=arn, tags={tag: properties["Days"]})
        else:
            try:
                logs.untag_resource(resourceArn=arn, tagKeys=[tag])
            except logs.exceptions.ResourceNotFoundException:
                continue
        _keep_longest(logs, name, arn)


def _make(logs: "CloudWatchLogsClient", name: str) -> None:
    # SageMaker makes it with the account's first job, and writes into one that is there.
    try:
        logs.create_log_group(logGroupName=name)
    except logs.exceptions.ResourceAlreadyExistsException:
        logger.info("%s is there.", name)


def _keep_longest(logs: "CloudWatchLogsClient", name: str, arn: str) -> None:
    before = None
    # Again, until nobody noted another wish meanwhile.
    while (longest := _longest(logs, arn)) not in (None, before):
        assert longest is not None  # noqa: S101
        logs.put_retention_policy(logGroupName=name, retentionInDays=longest)
        logger.info("%s is kept for %d days.", name, longest)
        before = longest


def _longest(logs: "CloudWatchLogsClient", arn: str) -> int | None:
    tags = logs.list_tags_for_resource(resourceArn=arn)["tags"]
    return max((int(days) for tag, days in tags.items() if tag.startswith(_TAG)), default=None)


def _answer(event: Request, status: str, reason: str) -> None:
    body: dict[str, Any] = {
        "Status": status,
        "Reason": reason,
        "PhysicalResourceId": event["ResourceProperties"]["Owner"],
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
    }
    request = urllib.request.Request(  # noqa: S310 - CloudFormation's own URL
        event["ResponseURL"],
        data=json.dumps(body).encode(),
        headers={"Content-Type": ""},
        method="PUT",
    )
    urllib.request.urlopen(request, timeout=20).close()  # noqa: S310
