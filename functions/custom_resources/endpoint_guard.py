"""Fails an update of the serving stack that SageMaker took back by itself."""

import logging
import time
from typing import TYPE_CHECKING

import boto3

from .request import Context, Request, answers, client_config

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker.type_defs import DescribeEndpointOutputTypeDef

logger = logging.getLogger(__name__)

_POLL_SECONDS = 5
# What is left of the function's time for a last question and the answer to CloudFormation.
_TO_ANSWER_SECONDS = 90
# One that hangs is given up in time; what passes by itself fails no update that went well.
_CLIENT = client_config(attempts=4)
_UNDER_WAY = frozenset({"Creating", "Updating", "SystemUpdating", "RollingBack"})


class NotServedError(Exception):
    """The endpoint does not serve the configuration that CloudFormation gave it."""


# Always the same id: there is nothing to replace, and nothing to delete.
@answers(lambda properties: properties["EndpointName"])
def handler(event: Request, context: Context) -> None:
    """Sees that the endpoint `EndpointName` serves the configuration `EndpointConfigName`."""
    properties = event["ResourceProperties"]
    if event["RequestType"] != "Delete":
        seconds = context.get_remaining_time_in_millis() / 1000 - _TO_ANSWER_SECONDS
        check(
            boto3.client("sagemaker", config=_CLIENT),
            properties["EndpointName"],
            properties["EndpointConfigName"],
            seconds,
        )


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
