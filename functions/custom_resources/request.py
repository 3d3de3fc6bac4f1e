"""A request of CloudFormation for a custom resource, and the answer that it waits for."""

import json
import logging
import urllib.request
from collections.abc import Callable
from functools import wraps
from typing import Any, Literal, NotRequired, Protocol, TypedDict

from botocore.config import Config

logger = logging.getLogger(__name__)
logging.getLogger().setLevel(logging.INFO)

Properties = dict[str, Any]


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
    ResourceProperties: Properties


class Context(Protocol):
    """https://docs.aws.amazon.com/lambda/latest/dg/python-context.html."""

    def get_remaining_time_in_millis(self) -> int:
        """What is left of the function's time."""


Handler = Callable[[Request, Context], None]


def client_config(*, read_timeout: int = 10, attempts: int = 3) -> Config:
    """Limits of a client that gives a request up while the function can still answer.

    Args:
        read_timeout: Seconds in which AWS has to begin its answer.
        attempts: Requests in all, the first among them.
    """
    return Config(
        connect_timeout=5, read_timeout=read_timeout, retries={"total_max_attempts": attempts}
    )


def answers(
    physical_id: Callable[[Properties], str],
    failure: Callable[[Properties], str] = lambda _: "",
) -> Callable[[Handler], Handler]:
    """Has a handler's end told to CloudFormation, which would else wait for an hour.

    Args:
        physical_id: Id of the resource with these properties. One of another id is another
            resource to CloudFormation, which deletes the old one after it.
        failure: What an error's sentence begins with.
    """

    def decorate(handler: Handler) -> Handler:
        @wraps(handler)
        def answering(event: Request, context: Context) -> None:
            properties = event["ResourceProperties"]
            status, reason = "SUCCESS", ""
            try:
                handler(event, context)
            except Exception as error:
                status, reason = "FAILED", f"{failure(properties)}{error}"
                logger.exception("%s", reason)
            own = physical_id(properties)
            if event["RequestType"] == "Delete":
                own = event.get("PhysicalResourceId", own)
            _answer(event, status, reason, own)

        return answering

    return decorate


def _answer(event: Request, status: str, reason: str, physical_id: str) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html."""
    body = {
        "Status": status,
        "Reason": reason,
        "PhysicalResourceId": physical_id,
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
    urllib.request.urlopen(request, timeout=20).close()  # noqa: S310 - CloudFormation's own URL
