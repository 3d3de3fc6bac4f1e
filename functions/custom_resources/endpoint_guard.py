"""Fails an update of the serving stack that SageMaker took back by itself."""

import json
import logging
import time
import urllib.request
from typing import TYPE_CHECKING, Literal, Protocol, TypedDict

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker.type_defs import DescribeEndpointOutputTypeDef

logger = logging.getLogger(__name__)
logger.setLevel(logging.INFO)

_POLL_SECONDS = 5
# What is left of the function's time for a last question and the answer to CloudFormation.
_TO_ANSWER_SECONDS = 90
# One that hangs is given up in time; what passes by itself fails no update that went well.
_CLIENT = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 4})
_UNDER_WAY = frozenset({"Creating", "Updating", "SystemUpdating", "RollingBack"})


class _Properties(TypedDict):
    EndpointName: str
    EndpointConfigName: str


class Request(TypedDict):
    """What CloudFormation asks of a custom resource.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requesttypes.html
    """

    RequestType: Literal["Create", "Update", "Delete"]
    ResponseURL: str
    StackId: str
    RequestId: str
    LogicalResourceId: str
    ResourceProperties: _Properties


class Context(Protocol):
    """https://docs.aws.amazon.com/lambda/latest/dg/python-context.html"""

    def get_remaining_time_in_millis(self) -> int: ...


class NotServedError(Exception):
    """The endpoint does not serve the configuration that CloudFormation gave it."""


def handler(event: Request, context: Context) -> None:
    """Answers CloudFormation in any case: without an answer it would wait for an hour."""
    properties = event["ResourceProperties"]
    try:
        if event["RequestType"] != "Delete":
            seconds = context.get_remaining_time_in_millis() / 1000 - _TO_ANSWER_SECONDS
            check(
                boto3.client("sagemaker", config=_CLIENT),
                properties["EndpointName"],
                properties["EndpointConfigName"],
                seconds,
            )
    except Exception as error:
        logger.exception("%s was not found to be as it should.", properties["EndpointName"])
        _answer(event, "FAILED", str(error))
    else:
        _answer(event, "SUCCESS", "")


def check(client: "SageMakerClient", endpoint: str, configuration: str, seconds: float) -> None:
    """Waits until the endpoint is in no state of passage and sees what it serves.

    After an update that SageMaker rolled back by itself an endpoint is InService, with the
    configuration of before and perhaps no FailureReason: only the name tells.
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeEndpoint.html

    Args:
        seconds: how long it may wait.

    Raises:
        NotServedError: it serves another configuration, or none.
    """
    settled = _settled(client, endpoint, seconds)
    status, served = (
        settled["EndpointStatus"],
        settled.get("EndpointConfigName", "no configuration"),
    )
    reason = settled.get("FailureReason", "SageMaker gave no reason")
    if status in _UNDER_WAY:
        raise NotServedError(
            f"The endpoint {endpoint} is still {status}: wait until it is InService, and deploy "
            "again."
        )
    if status != "InService":
        raise NotServedError(
            f"The endpoint {endpoint} is {status} ({reason}): mend that, and deploy again."
        )
    if served != configuration:
        raise NotServedError(
            f"SageMaker took the update of {endpoint} back ({reason}): it serves {served} and not "
            f"{configuration}; remove the cause, and deploy or approve again."
        )
    logger.info("%s serves %s.", endpoint, configuration)


def _settled(
    client: "SageMakerClient", endpoint: str, seconds: float
) -> "DescribeEndpointOutputTypeDef":
    end = time.monotonic() + seconds
    while True:
        described = client.describe_endpoint(EndpointName=endpoint)
        if described["EndpointStatus"] not in _UNDER_WAY or time.monotonic() >= end:
            return described
        time.sleep(_POLL_SECONDS)


def _answer(event: Request, status: str, reason: str) -> None:
    body = {
        "Status": status,
        "Reason": reason,
        # Always the same: there is nothing to replace, and nothing to delete.
        "PhysicalResourceId": event["ResourceProperties"]["EndpointName"],
        **{key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")},
    }
    request = urllib.request.Request(  # noqa: S310 - CloudFormation's own URL
        event["ResponseURL"],
        data=json.dumps(body).encode(),
        headers={"Content-Type": ""},
        method="PUT",
    )
    urllib.request.urlopen(request, timeout=20).close()  # noqa: S310
